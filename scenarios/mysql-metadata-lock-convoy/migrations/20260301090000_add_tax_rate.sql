-- migrate:up
alter table orders add column tax_rate decimal(5, 4), algorithm = instant;

-- migrate:down
alter table orders drop column tax_rate;
