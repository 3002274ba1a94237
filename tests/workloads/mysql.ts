/** A schema with most of what MySQL and MariaDB have, and what an application may ask of it. */
export const SCHEMA = `
create table countries (code char(2) primary key, name varchar(60) not null unique);
create table users (
  id bigint unsigned not null auto_increment primary key,
  email varchar(120) not null unique,
  country_code char(2) not null,
  mood enum('glad', 'calm', 'cross') not null default 'calm',
  flags set('a', 'b', 'c') not null default '',
  settings json,
  score int not null default 0,
  born date,
  active tinyint(1) not null default 1,
  created_at timestamp(3) not null default current_timestamp(3),
  check (score between 0 and 1000),
  foreign key (country_code) references countries (code)
);
create table products (
  id int not null auto_increment primary key,
  sku varchar(40) not null unique,
  price decimal(10, 2) not null,
  stock int unsigned not null default 10,
  check (price >= 0)
);
create table orders (
  id bigint unsigned not null auto_increment primary key,
  user_id bigint unsigned not null,
  status varchar(10) not null,
  opened date not null,
  closed date,
  total decimal(12, 2) not null default 0,
  check (status in ('open', 'paid', 'void')),
  check (closed is null or closed >= opened),
  key (user_id, opened),
  foreign key (user_id) references users (id)
);
create table order_lines (
  order_id bigint unsigned not null,
  line int not null,
  product_id int not null,
  quantity int not null,
  primary key (order_id, line),
  foreign key (order_id) references orders (id),
  foreign key (product_id) references products (id)
);
create table events (
  id bigint unsigned not null auto_increment,
  at datetime not null,
  kind varchar(20) not null,
  primary key (id, at)
);
create view paid_orders as select o.id, o.user_id, o.total, u.email from orders o join users u on u.id = o.user_id
  where o.status = 'paid';
`;

export const ROWS = {
  countries: { rows: 100 },
  users: { rows: 2000 },
  products: { rows: 500 },
  orders: { rows: 4000 },
  order_lines: { rows: 4000 },
  events: { rows: 2000 },
};

export const INFERRED = [
  'select * from users where id = $1',
  'select * from users where id in ($1, $2, $3)',
  'select * from users where id not in ($1, $2) limit $3',
  'select * from users where id <> $1 limit 3',
  'select * from users where id <=> $1',
  'select * from users where email = $1',
  'select * from users where `email` like $1',
  'select * from users where lower(email) = $1',
  'select * from users where mood = $1 limit $2 offset $3',
  'select * from users where mood = $1 limit $2, $3',
  'select * from users where mood in ($1, $2)',
  'select * from users where flags = $1',
  'select * from users where active = $1 and score > $2 order by id limit 10',
  'select * from users where created_at between $1 and $2',
  'select * from users where created_at >= $1 and created_at < $2',
  'select * from users where created_at > now() - interval $1 day',
  'select * from users where created_at > date_sub(now(), interval $1 day)',
  'select * from users where born = $1',
  'select * from users where coalesce(born, current_date) = $1',
  'select * from users where (id, email) = ($1, $2)',
  'select * from orders where (user_id, opened) in (($1, $2), ($3, $4))',
  'select o.id, u.email from orders o join users u on u.id = o.user_id where u.email = $1 and o.status = $2',
  'select o.* from orders as o, users as u where o.user_id = u.id and u.id = $1',
  'select * from orders o where exists (select 1 from users u where u.id = o.user_id and u.country_code = $1)',
  'select * from orders where user_id in (select id from users where country_code = $1)',
  'select (select count(*) from orders o where o.user_id = u.id and o.status = $2) from users u where u.id = $1',
  'with mine as (select * from orders where user_id = $1) select * from mine',
  'select user_id, count(*), sum(total) from orders where opened >= $1 group by user_id having count(*) > 1',
  'select $1, count($2) from orders where user_id = $3',
  'select coalesce(closed, $2) from orders where id = $1',
  'select * from paid_orders where user_id = $1',
  'select * from paid_orders where email = $1',
  'select * from order_lines where order_id = $1 and line = $2',
  'select l.*, p.sku from order_lines l left join products p on p.id = l.product_id where l.order_id = $1',
  'select * from products where price between $1 and $2 order by price limit $3',
  'select * from products where sku = $1 for update',
  'select * from products where $1 = sku',
  'select * from orders use index (primary) where id = $1',
  'select sql_no_cache * from orders where id = $1',
  'select * from events where at >= $1 and at < $2 and kind = $3',
  'select distinct kind from events where kind = $1 order by kind',
  'select *, row_number() over (partition by status order by id) as n from orders where user_id = $1',
  '(select id from orders where user_id = $1) union all (select id from orders where status = $2 limit $3)',
  'insert into countries (code, name) values ($1, $2)',
  'insert into users (email, country_code, mood, flags, settings, score) values ($1, $2, $3, $4, $5, $6)',
  'insert into users (email, country_code) values ($1, $2), ($3, $4)',
  'insert into users set email = $1, country_code = $2, score = $3',
  'insert into users (email, country_code, score) values ($1, $2, $3) on duplicate key update score = $4',
  'insert into users (email, country_code, score) values ($1, $2, $3) on duplicate key update score = values(score)',
  'insert ignore into users (email, country_code) values ($1, $2)',
  'insert into products (sku, price, stock) values ($1, $2, $3)',
  'replace into products (sku, price) values ($1, $2)',
  'replace into products set sku = $1, price = $2',
  'insert into orders (user_id, status, opened, total) select $1, $2, $3, sum(total) from orders where user_id = $4',
  'insert into orders (user_id, status, opened, closed, total) values ($1, $2, $3, $4, $5)',
  'insert into events (at, kind) values ($1, $2)',
  'update users set score = $1 where id = $2',
  'update users set mood = $1, flags = $2, settings = $3 where id = $4',
  'update users set email = $1 where id = $2',
  'update products set price = price * $1 where id = $2 limit 1',
  'update users set score = least(1000, score + $1) where id = $2',
  'update orders o join users u on u.id = o.user_id set o.total = o.total + $2 where u.id = $1',
  'update orders, users set orders.status = $1 where users.id = orders.user_id and users.email = $2',
  'update order_lines set quantity = $1 where order_id = $2 and line = $3',
  'update orders set status = $1 where user_id = $2 order by id limit $3',
  'delete from order_lines where order_id = $1 and line = $2',
  'delete l from order_lines l join products p on p.id = l.product_id where p.sku = $1',
  'delete from l using order_lines l, products p where p.id = l.product_id and p.id = $1',
  'delete from events where at < $1 and kind = $2 limit $3',
  'select * from users where email regexp $1 limit 5',
  'select * from users where char_length(email) > $1',
  'select * from users where find_in_set($1, flags)',
  'select * from users where year(created_at) = $1',
];

export const HINTED: readonly (readonly [string, ...string[]])[] = [
  ['select * from users where json_extract(settings, $1) is not null', "-- $1: '$.theme'"],
  [
    "select * from users where json_unquote(json_extract(settings, '$.theme')) = $1",
    "-- $1: 'dark', 'light'",
  ],
  ['select date_format(created_at, $1), id from users where id = $2', "-- $1: '%Y-%m'"],
  ['select * from orders where ($1 or status = $2) and id = $3', '-- $1: 0..1'],
];
