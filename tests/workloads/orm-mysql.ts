/** An application's schema, and what ActiveRecord, Hibernate, SQLAlchemy, Prisma, Django and Laravel send to MySQL. */
export const SCHEMA = `
create table accounts (
  id bigint unsigned not null auto_increment primary key, name varchar(255) not null, subdomain varchar(63) not null unique, plan varchar(20) not null default 'free',
  deleted_at timestamp null, created_at timestamp(6) not null default current_timestamp(6), updated_at timestamp(6) not null default current_timestamp(6)
);
create table users (
  id char(36) not null primary key, account_id bigint unsigned not null, email varchar(190) not null,
  encrypted_password varchar(255) not null default '', name varchar(100), preferences json, roles json,
  sign_in_count integer not null default 0, last_sign_in_at datetime, admin tinyint(1) not null default 0, born_on date,
  created_at datetime not null, updated_at datetime not null, lock_version integer not null default 0,
  unique key (account_id, email), foreign key (account_id) references accounts (id)
);
create table products (
  id int unsigned not null auto_increment primary key, account_id bigint unsigned not null, sku varchar(40) not null, title varchar(200) not null, description text,
  price_cents integer not null, attributes json, published_at datetime, fulltext key (title),
  unique key (account_id, sku), foreign key (account_id) references accounts (id)
);
create table orders (
  id bigint unsigned not null auto_increment primary key, account_id bigint unsigned not null, user_id char(36) not null, number varchar(20) not null unique,
  status enum('pending', 'paid', 'shipped', 'cancelled') not null default 'pending', total_cents bigint not null default 0, currency char(3) not null default 'EUR',
  placed_at datetime not null, metadata json, deleted_at datetime, key (account_id, placed_at),
  foreign key (account_id) references accounts (id), foreign key (user_id) references users (id)
);
create table line_items (
  id bigint unsigned not null auto_increment primary key, order_id bigint unsigned not null, product_id int unsigned not null,
  quantity smallint not null default 1, unit_price decimal(12, 2) not null,
  foreign key (order_id) references orders (id) on delete cascade, foreign key (product_id) references products (id)
);
create table devices (id binary(16) not null primary key, account_id bigint unsigned not null, token varbinary(32) not null, foreign key (account_id) references accounts (id));
create table Post (id varchar(191) primary key, authorId char(36) not null, title varchar(191) not null, published boolean not null default false, viewCount int not null default 0, createdAt datetime(3) not null default current_timestamp(3), foreign key (authorId) references users (id));
create table django_session (session_key varchar(40) primary key, session_data longtext not null, expire_date datetime(6) not null, key (expire_date));
create table jobs (id bigint unsigned not null auto_increment primary key, queue varchar(190) not null, payload longtext not null, attempts tinyint unsigned not null default 0, reserved_at int unsigned, available_at int unsigned not null, created_at int unsigned not null, key (queue));
`;

export const ROWS = {
  accounts: { rows: 200 },
  users: { rows: 2000 },
  products: { rows: 1000 },
  orders: { rows: 4000 },
  line_items: { rows: 8000 },
  devices: { rows: 500 },
  Post: { rows: 1000 },
  django_session: { rows: 500 },
  jobs: { rows: 500 },
};

/** Whole operations: each call finds or changes rows in every statement, since its values come from one live row. */
export const HITTING = [
  'select * from devices where id = $1',
  'select * from devices where account_id = $1 and id = $2 and token = $3',
  'select * from devices where id between $1 and $2',
  'select * from orders where account_id = $1 and id = $2',
  'select * from orders where user_id = $1 and account_id = $2 and status = $3',
  'update orders set deleted_at = null, total_cents = total_cents + 1 where account_id = $1 and number = $2 and currency = $3',
  'select * from orders where account_id = $1 and id in ($2, $3)',
  'select * from orders where account_id = $1 and placed_at between $2 and $3',
  'select * from users where account_id = $1 and lower(email) = $2',
  'select * from orders where account_id = $1 and user_id = $2;\nselect * from orders where account_id = $1 and id = $2',
  'select * from orders where account_id = :account and id = :from;\nselect * from orders where account_id = :account and id = :to',
  '-- :account: orders.account_id\n-- :order: orders.id latest\nselect * from orders where account_id + 0 = :account and id + 0 = :order',
];

/** The server and the text tell where each parameter comes from, and some of the calls find or change rows. */
export const TOUCHING = [
  'SELECT `users`.* FROM `users` WHERE `users`.`id` = $1 LIMIT $2',
  'SELECT `orders`.* FROM `orders` WHERE `orders`.`account_id` = $1 AND `orders`.`deleted_at` IS NULL ORDER BY `orders`.`placed_at` DESC LIMIT $2 OFFSET $3',
  'SELECT COUNT(*) FROM `orders` WHERE `orders`.`account_id` = $1 AND `orders`.`status` = $2',
  'SELECT COUNT(*) FROM (SELECT 1 AS one FROM `orders` WHERE `orders`.`account_id` = $1 LIMIT $2) subquery_for_count',
  'SELECT `products`.* FROM `products` INNER JOIN `line_items` ON `products`.`id` = `line_items`.`product_id` WHERE `line_items`.`order_id` = $1',
  'SELECT `line_items`.* FROM `line_items` WHERE `line_items`.`order_id` IN ($1, $2, $3, $4)',
  'INSERT INTO `orders` (`account_id`, `user_id`, `number`, `status`, `total_cents`, `currency`, `placed_at`, `metadata`, `deleted_at`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)',
  'UPDATE `users` SET `users`.`sign_in_count` = COALESCE(`users`.`sign_in_count`, 0) + $1, `users`.`updated_at` = $2 WHERE `users`.`id` = $3',
  'UPDATE `users` SET `users`.`name` = $1, `users`.`lock_version` = $2 WHERE `users`.`id` = $3 AND `users`.`lock_version` = $4',
  'DELETE FROM `line_items` WHERE `line_items`.`id` = $1',
  'SELECT `users`.* FROM `users` WHERE (lower(email) = $1) AND `users`.`account_id` = $2',
  'SELECT `users`.* FROM `users` WHERE (email LIKE $1 OR name LIKE $2)',
  'SELECT `users`.* FROM `users` WHERE JSON_CONTAINS(roles, $1)',
  'SELECT DATE(placed_at) AS d, SUM(total_cents) FROM orders WHERE account_id = $1 GROUP BY DATE(placed_at) HAVING SUM(total_cents) > $2',
  'SELECT * FROM orders WHERE YEAR(placed_at) = $1 AND account_id = $2',
  'SELECT * FROM orders WHERE YEAR(placed_at) = $1 AND MONTH(placed_at) = $2',
  'SELECT * FROM orders WHERE DATE(placed_at) = $1',
  'select u1_0.id,u1_0.account_id,u1_0.email,u1_0.name from users u1_0 where u1_0.id=$1',
  'select o1_0.id,o1_0.number,l1_0.id,l1_0.quantity from orders o1_0 left join line_items l1_0 on o1_0.id=l1_0.order_id where o1_0.user_id=$1 and o1_0.status in ($2,$3) order by o1_0.placed_at desc limit $4,$5',
  'select o1_0.id from orders o1_0 where ($1 is null or o1_0.status=$2) and o1_0.account_id=$3',
  "select o1_0.id from orders o1_0 where o1_0.number like concat('%',$1,'%') and o1_0.account_id=$2",
  "select u1_0.id from users u1_0 where lower(u1_0.name) like lower($1) escape '!'",
  "select u1_0.id from users u1_0 where upper(u1_0.email) like upper(concat($1, '%'))",
  'insert into users (account_id,email,name,preferences,roles,admin,born_on,created_at,updated_at,id) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)',
  'update orders set status=$1,total_cents=$2,metadata=$3 where id=$4',
  'select count(o1_0.id)>$1 from orders o1_0 where o1_0.user_id=$2',
  'select a1_0.id, (select count(*) from orders o1_0 where o1_0.account_id=a1_0.id and o1_0.total_cents>$1) from accounts a1_0 where a1_0.plan=$2',
  'delete from orders where deleted_at<$1',
  'select p1_0.id from products p1_0 where p1_0.account_id=$1 for update skip locked',
  'SELECT users.id AS users_id, users.email AS users_email FROM users WHERE users.account_id = $1 AND users.admin = true ORDER BY users.created_at DESC LIMIT $2',
  'SELECT anon_1.id FROM (SELECT orders.id AS id FROM orders WHERE orders.user_id = $1 LIMIT $2) AS anon_1 LEFT OUTER JOIN line_items AS li_1 ON anon_1.id = li_1.order_id',
  'SELECT users.id FROM users WHERE (users.account_id, users.email) IN (($1, $2), ($3, $4))',
  'WITH recent AS (SELECT orders.id, orders.user_id FROM orders WHERE orders.placed_at > $1) SELECT count(*) FROM recent JOIN users ON users.id = recent.user_id WHERE users.admin = $2',
  'SELECT * FROM products WHERE products.title REGEXP $1',
  'SELECT * FROM products WHERE MATCH (products.title) AGAINST ($1 IN BOOLEAN MODE)',
  'SELECT EXISTS (SELECT 1 FROM orders WHERE account_id = $1 AND placed_at >= $2) AS anon_1',
  'SELECT `db`.`id`, `db`.`title` FROM `Post` AS `db` WHERE (`db`.`authorId` = $1 AND 1=1) ORDER BY `db`.`createdAt` DESC LIMIT $2 OFFSET $3',
  'SELECT `Post`.`id` FROM `Post` WHERE `Post`.`title` LIKE $1 LIMIT $2 OFFSET $3',
  'UPDATE `Post` SET `viewCount` = (`Post`.`viewCount` + $1) WHERE (`Post`.`id` = $2 AND 1=1)',
  'INSERT INTO `Post` (`id`,`authorId`,`title`,`published`,`viewCount`,`createdAt`) VALUES ($1,$2,$3,$4,$5,$6)',
  'SELECT COUNT(*) FROM (SELECT `Post`.`id` FROM `Post` WHERE `Post`.`published` = $1 LIMIT $2 OFFSET $3) AS `sub`',
  'SELECT 1 AS `a` FROM `django_session` WHERE `django_session`.`session_key` = $1 LIMIT 1',
  'SELECT `django_session`.`session_data` FROM `django_session` WHERE (`django_session`.`expire_date` > $1 AND `django_session`.`session_key` = $2) LIMIT 21',
  'UPDATE `django_session` SET `session_data` = $1, `expire_date` = $2 WHERE `django_session`.`session_key` = $3',
  'SELECT `orders`.`id` FROM `orders` WHERE (`orders`.`account_id` = $1 AND NOT (EXISTS(SELECT 1 AS `a` FROM `line_items` U1 WHERE (U1.`quantity` > $2 AND U1.`order_id` = (`orders`.`id`)) LIMIT 1)))',
  'SELECT `orders`.`id`, CASE WHEN `orders`.`total_cents` > $1 THEN $2 ELSE $3 END AS `size` FROM `orders` WHERE `orders`.`user_id` = $4 ORDER BY CASE WHEN `orders`.`status` = $5 THEN 0 ELSE 1 END',
  'select * from `jobs` where `queue` = $1 and ((`reserved_at` is null and `available_at` <= $2) or (`reserved_at` <= $3)) order by `id` asc limit 1 for update',
  'insert into `jobs` (`queue`, `attempts`, `reserved_at`, `available_at`, `created_at`, `payload`) values ($1, $2, $3, $4, $5, $6)',
  'update `accounts` set `deleted_at` = $1, `accounts`.`updated_at` = $2 where `id` = $3 and `accounts`.`deleted_at` is null',
  'select * from `orders` where date(`placed_at`) = $1 and month(`placed_at`) = $2',
  'select * from `users` where json_contains(`roles`, $1)',
  'insert into `accounts` (`name`, `subdomain`, `plan`) values ($1, $2, $3), ($4, $5, $6) on duplicate key update `name` = values(`name`), `plan` = values(`plan`)',
  'insert ignore into `accounts` (`name`, `subdomain`, `plan`) values ($1, $2, $3)',
  'update users set name = coalesce($1, name), born_on = ifnull($2, born_on) where id = $3',
  'update users set name = if($1, $2, name) where id = $3',
  'insert into line_items (order_id, product_id, quantity, unit_price) select $1, p.id, $2, p.price_cents / 100 from products p where p.id in ($3, $4)',
  "insert into accounts (name, subdomain, plan) values (trim($1), lower($2), coalesce($3, 'free')) on duplicate key update name = values(name), updated_at = now()",
  'select * from orders where (placed_at < $1 or (placed_at = $2 and id < $3)) and account_id = $4 order by placed_at desc, id desc limit $5',
  'select * from orders where (placed_at, id) < ($1, $2) and account_id = $3 order by placed_at desc, id desc limit $4',
  'select * from orders where account_id = $1 and total_cents > 100 * $2',
  'select char_length(title) from products where char_length(title) > $1 and account_id = $2',
  'select * from orders where id in ($1, $2, $3) order by field(id, $4, $5, $6)',
  'select * from orders where find_in_set(id, $1)',
  "select date_format(placed_at, '%Y-%m') m, count(*) from orders where date_format(placed_at, '%Y-%m') = $1 group by m",
  'update orders o join line_items l on l.order_id = o.id set o.total_cents = o.total_cents + l.quantity * $1 where l.product_id = $2',
  'delete o, l from orders o join line_items l on l.order_id = o.id where o.id = $1',
  'select * from users where timestampdiff(year, born_on, curdate()) >= $1',
  'select distinct account_id from orders where total_cents between $1 * 100 and $2 * 100',
];

/** Inferred too; narrow ranges and the last hours of filled tables hold few rows or none. */
export const INFERRED = [
  'SELECT `orders`.* FROM `orders` WHERE `orders`.`placed_at` BETWEEN $1 AND $2 AND `orders`.`account_id` = $3',
  "SELECT * FROM orders WHERE DATE(CONVERT_TZ(placed_at, '+00:00', '+02:00')) BETWEEN $1 AND $2",
  'select * from orders where placed_at > now() - interval $1 day and account_id = $2',
  'select * from orders where placed_at > date_sub(now(), interval $1 hour) and account_id = $2',
];

/** Nobody but the author knows: these want a hint, and this is one that serves. */
export const HINTED: readonly (readonly [string, ...string[]])[] = [
  [
    "SELECT `users`.* FROM `users` WHERE (json_unquote(json_extract(preferences, '$.theme')) = $1)",
    "-- $1: 'dark', 'light'",
  ],
  [
    'select p from (select p1_0.id as p, row_number() over (partition by p1_0.account_id order by p1_0.id) rn from products p1_0 where p1_0.price_cents>=$1) x where x.rn<=$2',
    '-- $2: 1..3',
  ],
  [
    'UPDATE products SET attributes=JSON_SET(attributes, $1, $2) WHERE products.id = $3',
    "-- $1: '$.color'",
    "-- $2: 'red'",
  ],
  [
    "SELECT * FROM products WHERE JSON_UNQUOTE(JSON_EXTRACT(products.attributes, '$.color')) = $1",
    "-- $1: 'red', 'green'",
  ],
  [
    'SELECT * FROM products WHERE JSON_EXTRACT(products.attributes, $1) = $2',
    "-- $1: '$.color'",
    "-- $2: 'red', 'green'",
  ],
  [
    'with recursive t as (select id, 1 as depth from accounts where id = $1 union all select a.id, t.depth + 1 from accounts a join t on a.id = t.id + 1 where t.depth < $2) select * from t',
    '-- $2: 2..5',
  ],
];
