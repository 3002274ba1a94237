-- name: get_order  weight: 60
select id, customer_id, status, total from orders where id = :order;

-- name: get_customer  weight: 30
select id, name, email from customers where id = :customer;
