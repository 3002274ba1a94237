-- migrate:up
alter table orders add column tax_rate numeric(5, 4);

-- migrate:down
alter table orders drop column tax_rate;
