-- name: get_order  weight: 50
select id, customer_id, status, total, note, created_at from orders where id = :order;

-- name: orders_of_customer  weight: 25
select id, status, total from orders where customer_id = :customer order by id desc limit 20;

-- name: get_customer  weight: 10
select id, name, email from customers where id = :customer;

-- name: place_order  weight: 8
insert into orders (customer_id, status, total, quantity, note) values (:customer, :status, :total, :quantity, :note);

-- name: pay_order  weight: 7  transaction
select total from orders where id = :order for update;
update orders set status = :status where id = :order;
