-- name: get_order  weight: 50
select id, customer_id, status, total, note, created_at from orders where id = $1;

-- name: orders_of_customer  weight: 25
select id, status, total from orders where customer_id = $1 order by id desc limit 20;

-- name: get_customer  weight: 10
select id, name, email from customers where id = $1;

-- name: place_order  weight: 8
insert into orders (customer_id, status, total, note) values ($1, $2, $3, $4);

-- name: pay_order  weight: 7  transaction
select total from orders where id = :order for update;
update orders set status = :status where id = :order;
