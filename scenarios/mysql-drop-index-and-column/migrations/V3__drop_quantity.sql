alter table orders drop column quantity, algorithm = inplace, lock = none;
