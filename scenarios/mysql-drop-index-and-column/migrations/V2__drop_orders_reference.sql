alter table orders drop index orders_reference, algorithm = inplace, lock = none;
