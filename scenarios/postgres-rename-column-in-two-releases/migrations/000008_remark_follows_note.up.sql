create function orders_remark() returns trigger language plpgsql as $$
begin
  new.remark := coalesce(new.remark, new.note);
  new.note := new.remark;
  return new;
end
$$;
create trigger orders_remark before insert or update on orders for each row execute function orders_remark();
