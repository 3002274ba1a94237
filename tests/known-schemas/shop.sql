-- A blog and a shop with attributes as rows, as PHP applications have them.
set session sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
create table wp_users (id bigint(20) unsigned not null auto_increment, user_login varchar(60) not null default '', user_pass varchar(255) not null default '', user_nicename varchar(50) not null default '',
  user_email varchar(100) not null default '', user_registered datetime not null default '0000-00-00 00:00:00', user_status int(11) not null default 0, primary key (id), key user_login_key (user_login));
create table wp_usermeta (umeta_id bigint(20) unsigned not null auto_increment, user_id bigint(20) unsigned not null default 0, meta_key varchar(255) default null, meta_value longtext, primary key (umeta_id),
  key user_id (user_id), key meta_key (meta_key(191)));
create table wp_posts (id bigint(20) unsigned not null auto_increment, post_author bigint(20) unsigned not null default 0, post_date datetime not null default '0000-00-00 00:00:00', post_content longtext not null,
  post_title text not null, post_status varchar(20) not null default 'publish', post_name varchar(200) not null default '', post_parent bigint(20) unsigned not null default 0, menu_order int(11) not null default 0,
  post_type varchar(20) not null default 'post', comment_count bigint(20) not null default 0, primary key (id), key post_name (post_name(191)), key type_status_date (post_type, post_status, post_date, id));
create table wp_options (option_id bigint(20) unsigned not null auto_increment, option_name varchar(191) not null default '', option_value longtext not null, autoload varchar(20) not null default 'yes',
  primary key (option_id), unique key option_name (option_name));
create table wp_terms (term_id bigint(20) unsigned not null auto_increment, name varchar(200) not null default '', slug varchar(200) not null default '', primary key (term_id), key slug (slug(191)));
create table wp_term_taxonomy (term_taxonomy_id bigint(20) unsigned not null auto_increment, term_id bigint(20) unsigned not null default 0, taxonomy varchar(32) not null default '', description longtext not null,
  primary key (term_taxonomy_id), unique key term_id_taxonomy (term_id, taxonomy));
create table wp_term_relationships (object_id bigint(20) unsigned not null default 0, term_taxonomy_id bigint(20) unsigned not null default 0, term_order int(11) not null default 0,
  primary key (object_id, term_taxonomy_id), key term_taxonomy_id (term_taxonomy_id));
create table eav_entity_type (entity_type_id smallint unsigned not null auto_increment, entity_type_code varchar(50) not null, primary key (entity_type_id), unique key (entity_type_code));
create table eav_attribute (attribute_id smallint unsigned not null auto_increment, entity_type_id smallint unsigned not null default 0, attribute_code varchar(255) not null,
  backend_type varchar(8) not null default 'static' check (backend_type in ('static', 'int', 'varchar', 'decimal')), is_required smallint unsigned not null default 0, primary key (attribute_id),
  unique key entity_type_code (entity_type_id, attribute_code), constraint fk_attribute_type foreign key (entity_type_id) references eav_entity_type (entity_type_id) on delete cascade);
create table store (store_id smallint unsigned not null auto_increment, code varchar(32) default null, primary key (store_id), unique key (code));
create table catalog_product_entity (entity_id int unsigned not null auto_increment, sku varchar(64) default null, created_at timestamp not null default current_timestamp,
  updated_at timestamp not null default current_timestamp on update current_timestamp, primary key (entity_id), unique key (sku));
create table catalog_product_entity_varchar (value_id int not null auto_increment, attribute_id smallint unsigned not null, store_id smallint unsigned not null, entity_id int unsigned not null, value varchar(255),
  primary key (value_id), unique key entity_attribute_store (entity_id, attribute_id, store_id), foreign key (attribute_id) references eav_attribute (attribute_id) on delete cascade,
  foreign key (entity_id) references catalog_product_entity (entity_id) on delete cascade, foreign key (store_id) references store (store_id) on delete cascade);
create table catalog_product_entity_decimal (value_id int not null auto_increment, attribute_id smallint unsigned not null, entity_id int unsigned not null, value decimal(20,6) default null,
  primary key (value_id), unique key (entity_id, attribute_id), foreign key (attribute_id) references eav_attribute (attribute_id), foreign key (entity_id) references catalog_product_entity (entity_id));
create table cataloginventory_stock_item (item_id int unsigned not null auto_increment, product_id int unsigned not null, qty decimal(12,4), min_qty decimal(12,4) not null default 0,
  is_in_stock smallint unsigned not null default 0, primary key (item_id), unique key (product_id), foreign key (product_id) references catalog_product_entity (entity_id) on delete cascade, check (min_qty >= 0));
create table sales_order (entity_id int unsigned not null auto_increment, increment_id varchar(50), state varchar(32), customer_email varchar(128), grand_total decimal(20,4), base_grand_total decimal(20,4),
  discount decimal(20,4) check (discount <= 0), created_at timestamp not null default current_timestamp, full_total decimal(21,4) generated always as (coalesce(grand_total, 0) + coalesce(discount, 0)) stored,
  document json, state_code varchar(32) generated always as (upper(state)) virtual, primary key (entity_id, created_at), key (increment_id))
  partition by range (unix_timestamp(created_at)) (partition p0 values less than (1704067200), partition p1 values less than (1735689600), partition p2 values less than maxvalue);
create table shop_invoices (
  id int unsigned auto_increment primary key, issued date not null, due date not null, paid date,
  check (due between issued and issued + interval 90 day), check (paid >= issued + interval 1 day),
  check (issued >= cast('2010-01-01' as date)));
