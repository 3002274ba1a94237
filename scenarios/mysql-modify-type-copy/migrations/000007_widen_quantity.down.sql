alter table orders modify column quantity int not null default 1;
