CREATE TABLE customers (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE products (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sku text NOT NULL UNIQUE,
  name text NOT NULL,
  price_cents integer NOT NULL CHECK (price_cents > 0),
  -- The last wall: whatever the service does, what is not there is not sold.
  stock integer NOT NULL CHECK (stock >= 0)
);

-- One row per effect, committed by the transaction of the effect: the row exists if and only if the effect does.
CREATE TABLE IF NOT EXISTS idempotency_keys (
  -- Whose key it is: those of different callers never meet.
  scope text NOT NULL,
  key text NOT NULL,
  -- SHA-256 of what was asked for, so that a key cannot be used for something else.
  fingerprint text NOT NULL,
  -- JSON, as it was given. Null only inside the transaction that makes it.
  answer text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (scope, key)
);

CREATE TABLE orders (
  id uuid PRIMARY KEY,
  customer_id integer NOT NULL REFERENCES customers (id),
  idempotency_key text NOT NULL,
  status text NOT NULL CHECK (status IN ('placed', 'paid')),
  total_cents bigint NOT NULL CHECK (total_cents > 0),
  created_at timestamptz NOT NULL,
  UNIQUE (customer_id, idempotency_key)
);
CREATE INDEX orders_newest_of_customer ON orders (customer_id, created_at DESC);

CREATE TABLE order_items (
  order_id uuid NOT NULL REFERENCES orders (id),
  product_id integer NOT NULL REFERENCES products (id),
  quantity integer NOT NULL CHECK (quantity > 0),
  price_cents integer NOT NULL CHECK (price_cents > 0),
  PRIMARY KEY (order_id, product_id)
);

CREATE TABLE payments (
  id uuid PRIMARY KEY,
  order_id uuid NOT NULL UNIQUE REFERENCES orders (id),
  amount_cents bigint NOT NULL CHECK (amount_cents > 0),
  created_at timestamptz NOT NULL
);
