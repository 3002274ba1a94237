-- name: get_order  weight: 50
select id, customer_id, status, total, tax_rate, note, created_at from orders where id = :order;

-- name: get_customer  weight: 10
select id, name, email from customers where id = :customer;
