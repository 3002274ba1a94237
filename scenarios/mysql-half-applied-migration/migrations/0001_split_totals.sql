alter table orders add column net_total decimal(10, 2) null;
alter table orders add column tax_total decimal(10, 2) null;
alter table orders add constraint orders_small_total check (total < 0);
alter table orders add index orders_status (status);
