-- name: get_order  weight: 50
select id, customer_id, status, total, remark, created_at from orders where id = $1;

-- name: orders_of_customer  weight: 25
select id, status, total from orders where customer_id = $1 order by id desc limit 20;

-- name: get_customer  weight: 10
select id, name, email from customers where id = $1;

-- name: place_order  weight: 8
insert into orders (customer_id, status, total, remark) values ($1, $2, $3, $4);
