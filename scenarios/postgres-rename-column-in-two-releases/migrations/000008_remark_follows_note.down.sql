drop trigger orders_remark on orders; drop function orders_remark();
