/** An application's schema, and what ActiveRecord, Hibernate, SQLAlchemy, Prisma, Django and Laravel send to Postgres. */
export const SCHEMA = `
create type order_status as enum ('pending', 'paid', 'shipped', 'cancelled');
create table accounts (
  id bigserial primary key, name varchar(255) not null, subdomain varchar(63) not null unique, plan varchar(20) not null default 'free',
  deleted_at timestamp, created_at timestamp(6) not null, updated_at timestamp(6) not null
);
create table users (
  id uuid primary key default gen_random_uuid(), account_id bigint not null references accounts (id), email text not null,
  encrypted_password text not null default '', name varchar(100), preferences jsonb not null default '{}', roles text[] not null default '{}',
  sign_in_count integer not null default 0, last_sign_in_at timestamptz, admin boolean not null default false, born_on date,
  created_at timestamptz not null default now(), updated_at timestamptz not null default now(), lock_version integer not null default 0
);
create unique index on users (account_id, lower(email));
create table products (
  id serial primary key, account_id bigint not null references accounts (id), sku varchar(40) not null, title text not null, description text,
  price_cents integer not null check (price_cents >= 0), attributes jsonb, tag_ids integer[] not null default '{}', published_at timestamptz,
  unique (account_id, sku)
);
create table orders (
  id bigserial primary key, account_id bigint not null references accounts (id), user_id uuid not null references users (id), number varchar(20) not null unique,
  status order_status not null default 'pending', total_cents bigint not null default 0, currency char(3) not null default 'EUR',
  placed_at timestamptz not null default now(), metadata json, deleted_at timestamptz
);
create index on orders (account_id, placed_at desc);
create table line_items (
  id bigserial primary key, order_id bigint not null references orders (id) on delete cascade, product_id integer not null references products (id),
  quantity smallint not null default 1 check (quantity > 0), unit_price numeric(12, 2) not null
);
create table "Post" (id text primary key, "authorId" uuid not null references users (id), title text not null, published boolean not null default false, "viewCount" integer not null default 0, "createdAt" timestamp(3) not null default current_timestamp);
create table django_session (session_key varchar(40) primary key, session_data text not null, expire_date timestamptz not null);
create table jobs (id bigserial primary key, queue varchar(50) not null, payload text not null, attempts smallint not null default 0, reserved_at integer, available_at integer not null, created_at integer not null);
create table bookings (id serial primary key, room_id integer not null, during tstzrange not null);
`;

export const ROWS = {
  accounts: { rows: 200 },
  users: { rows: 2000 },
  products: { rows: 1000 },
  orders: { rows: 4000 },
  line_items: { rows: 8000 },
  Post: { rows: 1000 },
  django_session: { rows: 500 },
  jobs: { rows: 500 },
  bookings: { rows: 300 },
};

/** Whole operations: each call finds or changes rows in every statement, since its values come from one live row. */
export const HITTING = [
  'select * from orders where account_id = $1 and id = $2',
  'select * from orders where user_id = $1 and account_id = $2 and status = $3',
  'update orders set deleted_at = null, total_cents = total_cents + 1 where account_id = $1 and number = $2 and currency = $3',
  'select * from orders where account_id = $1 and id in ($2, $3)',
  'select * from orders where account_id = $1 and placed_at between $2 and $3',
  'select * from users where account_id = $1 and lower(email) = $2',
  'select * from orders where account_id = $1 and user_id = $2;\nselect * from orders where account_id = $1 and id = $2',
  'select * from orders where account_id = :account and id = :from;\nselect * from orders where account_id = :account and id = :to',
  '-- :account: orders.account_id\n-- :order: orders.id latest\nselect * from orders where account_id + 0 = :account and id + 0 = :order',
  'select * from orders where account_id = $1 and id = any($2)',
];

/** The server and the text tell where each parameter comes from, and some of the calls find or change rows. */
export const TOUCHING = [
  'SELECT "users".* FROM "users" WHERE "users"."id" = $1 LIMIT $2',
  'SELECT 1 AS one FROM "users" WHERE "users"."email" = $1 AND "users"."account_id" = $2 LIMIT $3',
  'SELECT "orders".* FROM "orders" WHERE "orders"."account_id" = $1 AND "orders"."deleted_at" IS NULL ORDER BY "orders"."placed_at" DESC LIMIT $2 OFFSET $3',
  'SELECT COUNT(*) FROM "orders" WHERE "orders"."account_id" = $1 AND "orders"."status" = $2',
  'SELECT COUNT(*) FROM (SELECT 1 AS one FROM "orders" WHERE "orders"."account_id" = $1 LIMIT $2) subquery_for_count',
  'SELECT "products".* FROM "products" INNER JOIN "line_items" ON "products"."id" = "line_items"."product_id" WHERE "line_items"."order_id" = $1',
  'SELECT "line_items".* FROM "line_items" WHERE "line_items"."order_id" IN ($1, $2, $3, $4)',
  'INSERT INTO "orders" ("account_id", "user_id", "number", "status", "total_cents", "currency", "placed_at", "metadata", "deleted_at") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING "id"',
  'UPDATE "users" SET "sign_in_count" = COALESCE("sign_in_count", 0) + $1, "updated_at" = $2 WHERE "users"."id" = $3',
  'UPDATE "users" SET "name" = $1, "lock_version" = $2 WHERE "users"."id" = $3 AND "users"."lock_version" = $4',
  'DELETE FROM "line_items" WHERE "line_items"."id" = $1',
  'SELECT "users".* FROM "users" WHERE (lower(email) = $1) AND "users"."account_id" = $2',
  'SELECT "users".* FROM "users" WHERE (email ILIKE $1 OR name ILIKE $2)',
  'SELECT "users".* FROM "users" WHERE (preferences @> $1)',
  'SELECT "users".* FROM "users" WHERE ($1 = ANY (roles))',
  'SELECT "users".* FROM "users" WHERE roles && ARRAY[$1]::text[]',
  "SELECT DATE_TRUNC('month', placed_at) AS m, SUM(total_cents) FROM orders WHERE account_id = $1 GROUP BY DATE_TRUNC('month', placed_at) HAVING SUM(total_cents) > $2",
  'SELECT * FROM orders WHERE EXTRACT(year FROM placed_at) = $1 AND account_id = $2',
  'SELECT * FROM orders WHERE placed_at::date = $1',
  'SELECT * FROM orders WHERE date(placed_at) = $1',
  'select u1_0.id,u1_0.account_id,u1_0.email,u1_0.name from users u1_0 where u1_0.id=$1',
  'select o1_0.id,o1_0.number,l1_0.id,l1_0.quantity from orders o1_0 left join line_items l1_0 on o1_0.id=l1_0.order_id where o1_0.user_id=$1 and o1_0.status in ($2,$3) order by o1_0.placed_at desc offset $4 rows fetch first $5 rows only',
  'select o1_0.id from orders o1_0 where ($1::order_status is null or o1_0.status=$1) and o1_0.account_id=$2',
  "select o1_0.id from orders o1_0 where (cast($1 as text) is null or o1_0.number like concat('%', $1, '%')) and o1_0.account_id=$2",
  "select u1_0.id from users u1_0 where lower(u1_0.name) like lower($1) escape '!'",
  "select u1_0.id from users u1_0 where u1_0.email like '%' || $1 || '%'",
  'insert into users (account_id,email,name,preferences,roles,admin,born_on,id) values ($1,$2,$3,$4,$5,$6,$7,$8)',
  'update orders set status=$1,total_cents=$2,metadata=$3 where id=$4',
  'select count(o1_0.id)>$1 from orders o1_0 where o1_0.user_id=$2',
  'select a1_0.id, (select count(*) from orders o1_0 where o1_0.account_id=a1_0.id and o1_0.total_cents>$1) from accounts a1_0 where a1_0.plan=$2',
  'delete from orders o1_0 where o1_0.deleted_at<$1',
  'SELECT users.id AS users_id, users.email AS users_email FROM users WHERE users.account_id = $1::BIGINT AND users.admin = true ORDER BY users.created_at DESC LIMIT $2::INTEGER',
  'SELECT anon_1.id FROM (SELECT orders.id AS id FROM orders WHERE orders.user_id = $1::UUID LIMIT $2) AS anon_1 LEFT OUTER JOIN line_items AS li_1 ON anon_1.id = li_1.order_id',
  'SELECT users.id FROM users WHERE (users.account_id, users.email) IN (($1, $2), ($3, $4))',
  'INSERT INTO products (account_id, sku, title, price_cents, attributes, tag_ids) VALUES ($1::BIGINT, $2::VARCHAR, $3::TEXT, $4::INTEGER, $5::JSONB, $6::INTEGER[]) ON CONFLICT (account_id, sku) DO UPDATE SET title = excluded.title, price_cents = $7::INTEGER RETURNING products.id',
  'WITH moved AS (DELETE FROM line_items WHERE order_id = $1 RETURNING *) INSERT INTO line_items (order_id, product_id, quantity, unit_price) SELECT $2, product_id, quantity, unit_price FROM moved RETURNING id',
  'SELECT * FROM products WHERE products.title ~* $1',
  "SELECT * FROM products WHERE to_tsvector('english', title) @@ plainto_tsquery('english', $1)",
  'SELECT "public"."Post"."id", "public"."Post"."title" FROM "public"."Post" WHERE ("public"."Post"."authorId" = $1 AND 1=1) ORDER BY "public"."Post"."createdAt" DESC LIMIT $2 OFFSET $3',
  'SELECT "public"."Post"."id" FROM "public"."Post" WHERE "public"."Post"."title"::text ILIKE $1 OFFSET $2',
  'UPDATE "public"."Post" SET "viewCount" = ("public"."Post"."viewCount" + $1) WHERE ("public"."Post"."id" = $2 AND 1=1) RETURNING "public"."Post"."id"',
  'INSERT INTO "public"."Post" ("id","authorId","title","published","viewCount","createdAt") VALUES ($1,$2,$3,$4,$5,$6) RETURNING "public"."Post"."id"',
  'SELECT COUNT(*) FROM (SELECT "public"."Post"."id" FROM "public"."Post" WHERE "public"."Post"."published" = $1 OFFSET $2) AS "sub"',
  'SELECT "t1"."id" FROM "public"."users" AS "t1" LEFT JOIN LATERAL (SELECT count(*) AS c FROM "public"."Post" AS "t2" WHERE "t1"."id" = "t2"."authorId" AND "t2"."published" = $1) AS "t3" ON true WHERE "t1"."account_id" = $2 LIMIT $3',
  'SELECT (1) AS "a" FROM "django_session" WHERE "django_session"."session_key" = $1 LIMIT 1',
  'SELECT "django_session"."session_data" FROM "django_session" WHERE ("django_session"."expire_date" > $1 AND "django_session"."session_key" = $2) LIMIT 21',
  'UPDATE "django_session" SET "session_data" = $1, "expire_date" = $2 WHERE "django_session"."session_key" = $3',
  'SELECT "users"."id" FROM "users" WHERE UPPER("users"."name"::text) LIKE UPPER($1)',
  'SELECT "users"."id" FROM "users" WHERE UPPER("users"."email"::text) = UPPER($1)',
  'SELECT "orders"."id" FROM "orders" WHERE ("orders"."account_id" = $1 AND NOT (EXISTS(SELECT 1 AS "a" FROM "line_items" U1 WHERE (U1."quantity" > $2 AND U1."order_id" = ("orders"."id")) LIMIT 1)))',
  'SELECT "orders"."id", CASE WHEN "orders"."total_cents" > $1 THEN $2 ELSE $3 END AS "size" FROM "orders" WHERE "orders"."user_id" = $4 ORDER BY CASE WHEN "orders"."status" = $5 THEN 0 ELSE 1 END',
  'select * from "jobs" where "queue" = $1 and (("reserved_at" is null and "available_at" <= $2) or ("reserved_at" <= $3)) order by "id" asc limit 1 for update skip locked',
  'insert into "jobs" ("queue", "attempts", "reserved_at", "available_at", "created_at", "payload") values ($1, $2, $3, $4, $5, $6) returning "id"',
  'update "accounts" set "deleted_at" = $1, "updated_at" = $2 where "id" = $3 and "accounts"."deleted_at" is null',
  'select * from "orders" where date("placed_at") = $1 and extract(month from "placed_at") = $2',
  'select * from "users" where ("preferences")::jsonb ? $1',
  'update users set name = coalesce($1, name), born_on = coalesce($2, born_on) where id = $3 returning *',
  'update users set name = case when $1::boolean then $2 else name end where id = $3',
  'insert into line_items (order_id, product_id, quantity, unit_price) select $1, p.id, $2, p.price_cents / 100.0 from products p where p.id = any($3::int[])',
  "insert into accounts (name, subdomain, plan, created_at, updated_at) values (trim($1), lower($2), coalesce($3, 'free'), now(), now()) on conflict (subdomain) do update set name = excluded.name, updated_at = now() returning (xmax = 0)",
  'select * from orders where id in (select unnest($1::bigint[]))',
  'select * from products where $1 = any(tag_ids)',
  'select * from products where tag_ids @> array[$1]::int[]',
  'select * from orders where (placed_at, id) < ($1, $2) and account_id = $3 order by placed_at desc, id desc limit $4',
  'select * from orders where account_id = $1 and total_cents > 100 * $2',
  'select length(title) from products where length(title) > $1 and account_id = $2',
];

/** Inferred too; narrow ranges and the last hours of filled tables hold few rows or none. */
export const INFERRED = [
  'SELECT "orders".* FROM "orders" WHERE "orders"."placed_at" BETWEEN $1 AND $2 AND "orders"."account_id" = $3',
  'select * from orders where placed_at > now() - make_interval(days => $1) and account_id = $2',
];

/** Nobody but the author knows: these want a hint, and this is one that serves. */
export const HINTED: readonly (readonly [string, ...string[]])[] = [
  ['SELECT "users".* FROM "users" WHERE (preferences ->> \'theme\' = $1)', "-- $1: 'dark', 'light'"],
  [
    'select p from (select p1_0.id as p, row_number() over (partition by p1_0.account_id order by p1_0.id) rn from products p1_0 where p1_0.price_cents>=$1) x where x.rn<=$2',
    '-- $2: 1..3',
  ],
  [
    'UPDATE products SET attributes=jsonb_set(attributes, $1::text[], $2::jsonb) WHERE products.id = $3',
    "-- $1: '{color}'",
    '-- $2: \'"red"\'',
  ],
  ["SELECT * FROM products WHERE products.attributes #>> '{color,name}' = $1", "-- $1: 'red', 'green'"],
  [
    'SELECT EXISTS (SELECT 1 FROM bookings WHERE room_id = $1 AND during && tstzrange($2, $3))',
    "-- $2: '2024-05-01 12:00:00'",
    "-- $3: '2024-06-01 12:00:00'",
  ],
  ['SELECT * FROM bookings WHERE during @> $1::timestamptz', "-- $1: '2024-05-01 12:00:00'"],
  [
    'SELECT COUNT(*) AS "__count" FROM "orders" WHERE ("orders"."placed_at" AT TIME ZONE $1)::date = $2',
    "-- $1: 'Europe/Berlin'",
    '-- $2: orders.placed_at',
  ],
  [
    'insert into line_items (order_id, product_id, quantity, unit_price) select * from unnest($1::bigint[], $2::int[], $3::smallint[], $4::numeric[])',
    '-- $1: orders.id',
    '-- $2: products.id',
    "-- $3: '{1,2,3,4,5,6,7,8,9,10}'",
    "-- $4: '{1,2,3,4,5,6,7,8,9,10}'",
  ],
  [
    'select o.* from orders o join unnest($1::bigint[]) with ordinality as ids(id, ord) on ids.id = o.id order by ids.ord',
    '-- $1: orders.id',
  ],
  [
    "select * from orders where placed_at > now() - ($1 || ' days')::interval and account_id = $2",
    '-- $1: 1..30',
  ],
  [
    'with recursive t as (select id, 1 as depth from accounts where id = $1 union all select a.id, t.depth + 1 from accounts a join t on a.id = t.id + 1 where t.depth < $2) select * from t',
    '-- $2: 2..5',
  ],
  [
    'select percentile_cont($1) within group (order by total_cents) from orders where account_id = $2',
    "-- $1: '0.5', '0.95'",
  ],
  ['select pg_advisory_xact_lock($1)', '-- $1: 1..1000'],
];
