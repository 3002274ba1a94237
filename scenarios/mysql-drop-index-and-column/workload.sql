-- name: get_order  weight: 60
select id, customer_id, status, total, quantity from orders where id = :order;

-- name: find_order  weight: 10
select id, total from orders where reference = :reference;

-- name: get_customer  weight: 30
select id, name, email from customers where id = :customer;
