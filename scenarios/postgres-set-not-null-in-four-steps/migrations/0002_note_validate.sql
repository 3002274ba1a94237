alter table orders validate constraint orders_note_not_null;
