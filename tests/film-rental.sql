-- A film rental, filled by SQL alone: skewed keys, words, dates in order, nulls, documents. Nothing of it comes from the
-- generators that are tested with it.
select setseed(0.42);
create table country (
  country_id serial primary key,
  country varchar(50) not null,
  last_update timestamp not null default now()
);
create table city (
  city_id serial primary key,
  city varchar(50) not null,
  country_id int not null references country,
  last_update timestamp not null
);
create table address (
  address_id serial primary key,
  address text not null,
  address2 text,
  district varchar(20) not null,
  city_id int not null references city,
  postal_code varchar(10),
  phone varchar(20) not null,
  last_update timestamp not null
);
create table customer (
  customer_id serial primary key,
  store_id smallint not null,
  first_name varchar(45) not null,
  last_name varchar(45) not null,
  email varchar(50) unique,
  address_id int not null references address,
  activebool boolean not null default true,
  create_date date not null,
  last_update timestamp,
  notes jsonb
);
create table film (
  film_id serial primary key,
  title varchar(255) not null,
  description text,
  release_year int,
  rental_duration smallint not null,
  rental_rate numeric(4,2) not null,
  length smallint,
  replacement_cost numeric(5,2) not null,
  rating text,
  special_features text[],
  external uuid not null
);
create table inventory (
  inventory_id serial primary key,
  film_id int not null references film,
  store_id smallint not null,
  last_update timestamp not null
);
create table rental (
  rental_id serial primary key,
  rental_date timestamp not null,
  inventory_id int not null references inventory,
  customer_id int not null references customer,
  return_date timestamp,
  staff_id smallint not null,
  last_update timestamp not null
);
create table payment (
  payment_id bigserial primary key,
  customer_id int not null references customer,
  rental_id int references rental,
  amount numeric(7,2) not null,
  payment_date timestamptz not null,
  reference char(12) not null,
  check (amount >= 0)
);
create table film_actor (
  actor_id int not null,
  film_id int not null references film,
  last_update timestamp not null,
  primary key (actor_id, film_id)
);
insert into country (country, last_update)
  select 'Country ' || md5(i::text), '2022-02-15'
  from generate_series(1,109) i;
insert into city (city, country_id, last_update)
  select initcap(substr(md5(i::text),1,4+(i%9))), 1+floor(109*power(random(),2))::int, '2022-02-15'
  from generate_series(1,600) i;
insert into address (address, address2, district, city_id, postal_code, phone, last_update)
  select (random()*9999)::int || ' ' || initcap(substr(md5(random()::text),1,8)) || ' Street', case when random()<.3 then 'Apt '||(random()*99)::int end, initcap(substr(md5((random()*300)::int::text),1,5+(random()*8)::int)), 1+floor(600*random())::int, case when random()<.95 then lpad((random()*99999)::int::text,5,'0') end, lpad((random()*1e12)::bigint::text,12,'0'), '2022-02-15'::timestamp + i%3*interval '1 day'
  from generate_series(1,5000) i;
insert into customer (store_id, first_name, last_name, email, address_id, activebool, create_date, last_update, notes)
  select 1+(random()<.45)::int, initcap(substr(md5((600*power(random(),2))::int::text),1,4+(random()*5)::int)), initcap(substr(md5((4000*random())::int::text),1,5+(random()*6)::int)), 'u'||md5(i::text)||'@example.org', 1+floor(5000*random())::int, random()<.97, '2019-01-01'::date+(i/20)+(random()*20)::int, case when random()<.8 then '2022-01-01'::timestamp+random()*interval '300 days' end, case when random()<.4 then jsonb_build_object('tag', md5(random()::text), 'score', (random()*100)::int) end
  from generate_series(1,20000) i;
insert into film (title, description, release_year, rental_duration, rental_rate, length, replacement_cost, rating, special_features, external)
  select initcap(substr(md5(i::text),1,6))||' '||initcap(substr(md5((i*7)::text),1,7)), (select string_agg(md5((i*k)::text),' ')
  from generate_series(1,2+(i%3)) k), 1990+floor(34*sqrt(random()))::int, 3+(random()*4)::int, (array[0.99,2.99,4.99])[1+floor(random()*3)::int], 46+(random()*139)::int, 9.99+(random()*20)::int, (array['PG','G','NC-17','PG-13','R'])[1+floor(5*power(random(),1.5))::int], case when random()<.9 then array['Trailers','Commentaries','Deleted Scenes'] end, gen_random_uuid()
  from generate_series(1,3000) i;
insert into inventory (film_id, store_id, last_update)
  select 1+(i*3000/14000)%3000, 1+(random()<.5)::int, '2022-02-15'
  from generate_series(0,13999) i;
insert into rental (rental_date, inventory_id, customer_id, return_date, staff_id, last_update)
  select '2022-05-01'::timestamp+i*interval '90 seconds'+random()*interval '1 hour', 1+floor(14000*random())::int, 1+floor(20000*power(random(),3))::int, case when random()<.98 then '2022-05-01'::timestamp+i*interval '90 seconds'+random()*interval '9 days' end, 1+(random()<.5)::int, '2022-02-15'::timestamp
  from generate_series(1,40000) i;
insert into payment (customer_id, rental_id, amount, payment_date, reference)
  select 1+floor(20000*power(random(),3))::int, case when random()<.9 then 1+floor(40000*random())::int end, (array[0.99,2.99,4.99,5.99,7.99])[1+floor(5*power(random(),2))::int]+(random()<.1)::int*(random()*20)::int, '2022-05-01'::timestamptz+random()*interval '200 days', substr(md5(i::text),1,12)
  from generate_series(1,30000) i;
insert into film_actor select a, f, '2022-02-15'
  from generate_series(1,200) a, lateral (select distinct 1+floor(3000*power(random(),1.5))::int as f
  from generate_series(1, 20+a%30) g where a>0) x;
create index on rental (customer_id);
create index on rental (inventory_id);
create index on rental (rental_date);
create index on payment (customer_id);
create index on payment (payment_date);
create index on film (title);
create index on customer (last_name);
create table orders (
  id serial primary key,
  customer int not null references customer,
  placed timestamptz not null
);
create table order_lines (
  order_id int not null references orders,
  line int not null,
  film_id int not null references film,
  qty smallint not null,
  price numeric(10,2) not null,
  note text,
  primary key (order_id, line)
);
create table big (
  id bigint primary key,
  account numeric not null,
  weight double precision,
  body text,
  payload bytea
);
insert into orders (customer, placed)
  select 1+floor(20000*random()^2)::int, '2023-01-01'::timestamptz + i * interval '3 min'
  from generate_series(1,8000) i;
insert into order_lines
  select o, l, 1+floor(3000*random())::int, 1+floor(random()^3*10)::int, round((random()*20000)::numeric,2),
    case when random()<.1 then repeat(md5(o::text),3) end
  from generate_series(1,8000) o, lateral generate_series(1, 1+floor(random()^2*6+o*0)::int) l;
insert into big select i, (random()*1e12)::bigint, random(), (select string_agg(md5((i*k)::text),'')
  from generate_series(1,150) k), decode(md5(i::text),'hex')
  from generate_series(1,2000) i;
create index on order_lines (film_id);
create unique index on big (account);
