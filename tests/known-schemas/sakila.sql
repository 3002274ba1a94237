create table actor (actor_id smallint unsigned not null auto_increment, first_name varchar(45) not null, last_name varchar(45) not null,
  last_update timestamp not null default current_timestamp on update current_timestamp, primary key (actor_id), key idx_actor_last_name (last_name));
create table country (country_id smallint unsigned not null auto_increment, country varchar(50) not null, last_update timestamp not null default current_timestamp, primary key (country_id));
create table city (city_id smallint unsigned not null auto_increment, city varchar(50) not null, country_id smallint unsigned not null, last_update timestamp not null default current_timestamp,
  primary key (city_id), key idx_fk_country_id (country_id), constraint fk_city_country foreign key (country_id) references country (country_id) on delete restrict on update cascade);
create table address (address_id smallint unsigned not null auto_increment, address varchar(50) not null, address2 varchar(50) default null, district varchar(20) not null,
  city_id smallint unsigned not null, postal_code varchar(10) default null, phone varchar(20) not null, location geometry not null, last_update timestamp not null default current_timestamp,
  primary key (address_id), spatial key idx_location (location), constraint fk_address_city foreign key (city_id) references city (city_id));
create table category (category_id tinyint unsigned not null auto_increment, name varchar(25) not null, last_update timestamp not null default current_timestamp, primary key (category_id));
create table language (language_id tinyint unsigned not null auto_increment, name char(20) not null, last_update timestamp not null default current_timestamp, primary key (language_id));
create table store (store_id tinyint unsigned not null auto_increment, manager_staff_id tinyint unsigned not null, address_id smallint unsigned not null, primary key (store_id),
  unique key idx_unique_manager (manager_staff_id), constraint fk_store_address foreign key (address_id) references address (address_id));
create table staff (staff_id tinyint unsigned not null auto_increment, first_name varchar(45) not null, address_id smallint unsigned not null, picture blob, email varchar(50),
  store_id tinyint unsigned not null, active boolean not null default true, username varchar(16) not null, password varchar(40) character set utf8mb4 collate utf8mb4_bin,
  primary key (staff_id), constraint fk_staff_store foreign key (store_id) references store (store_id), constraint fk_staff_address foreign key (address_id) references address (address_id));
alter table store add constraint fk_store_staff foreign key (manager_staff_id) references staff (staff_id);
create table customer (customer_id smallint unsigned not null auto_increment, store_id tinyint unsigned not null, first_name varchar(45) not null, email varchar(50),
  address_id smallint unsigned not null, active boolean not null default true, create_date datetime not null, primary key (customer_id),
  constraint fk_customer_address foreign key (address_id) references address (address_id), constraint fk_customer_store foreign key (store_id) references store (store_id));
create table film (film_id smallint unsigned not null auto_increment, title varchar(128) not null, description text, release_year year, language_id tinyint unsigned not null,
  original_language_id tinyint unsigned, rental_duration tinyint unsigned not null default 3, rental_rate decimal(4,2) not null default 4.99, length smallint unsigned,
  replacement_cost decimal(5,2) not null default 19.99, rating enum('G', 'PG', 'PG-13', 'R', 'NC-17') default 'G',
  special_features set('Trailers', 'Commentaries', 'Deleted Scenes', 'Behind the Scenes'), primary key (film_id),
  constraint fk_film_language foreign key (language_id) references language (language_id), constraint fk_film_original foreign key (original_language_id) references language (language_id));
create table film_actor (actor_id smallint unsigned not null, film_id smallint unsigned not null, primary key (actor_id, film_id),
  constraint fk_film_actor_actor foreign key (actor_id) references actor (actor_id), constraint fk_film_actor_film foreign key (film_id) references film (film_id));
create table film_category (film_id smallint unsigned not null, category_id tinyint unsigned not null, primary key (film_id, category_id),
  foreign key (film_id) references film (film_id), foreign key (category_id) references category (category_id));
create table film_text (film_id smallint unsigned not null, title varchar(255) not null, description text, primary key (film_id), fulltext key idx_title_description (title, description));
create table inventory (inventory_id mediumint unsigned not null auto_increment, film_id smallint unsigned not null, store_id tinyint unsigned not null, primary key (inventory_id),
  key (store_id, film_id), foreign key (store_id) references store (store_id), foreign key (film_id) references film (film_id));
create table rental (rental_id int not null auto_increment, rental_date datetime not null, inventory_id mediumint unsigned not null, customer_id smallint unsigned not null,
  return_date datetime, staff_id tinyint unsigned not null, primary key (rental_id), unique key (rental_date, inventory_id, customer_id),
  foreign key (staff_id) references staff (staff_id), foreign key (inventory_id) references inventory (inventory_id), foreign key (customer_id) references customer (customer_id));
create table payment (payment_id smallint unsigned not null auto_increment, customer_id smallint unsigned not null, staff_id tinyint unsigned not null, rental_id int,
  amount decimal(5,2) not null, payment_date datetime not null, primary key (payment_id), foreign key (rental_id) references rental (rental_id) on delete set null on update cascade,
  foreign key (customer_id) references customer (customer_id), foreign key (staff_id) references staff (staff_id));
create view customer_list as select c.customer_id as id, c.first_name as name, a.address from customer c join address a on c.address_id = a.address_id;
