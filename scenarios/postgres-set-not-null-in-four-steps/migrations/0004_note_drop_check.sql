alter table orders drop constraint orders_note_not_null;
