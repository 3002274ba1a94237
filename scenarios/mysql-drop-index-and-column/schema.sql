create table customers (
  id bigint unsigned not null auto_increment primary key,
  name varchar(120) not null,
  email varchar(190) not null,
  unique key customers_email (email)
) engine = InnoDB default charset = utf8mb4;

create table orders (
  id bigint unsigned not null auto_increment primary key,
  customer_id bigint unsigned not null,
  status enum('open', 'paid', 'shipped', 'void') not null,
  total decimal(10, 2) not null,
  quantity int not null default 1,
  reference varchar(40) not null,
  key orders_customer_id (customer_id),
  key orders_reference (reference),
  constraint orders_customer foreign key (customer_id) references customers (id)
) engine = InnoDB default charset = utf8mb4;
