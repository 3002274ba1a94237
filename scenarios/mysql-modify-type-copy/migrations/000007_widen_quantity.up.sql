alter table orders modify column quantity bigint not null default 1;
