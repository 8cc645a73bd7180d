/** One plain SQL dump, as `pg_dump` writes it: a schema, then COPY rows of two tables, then the indexes. */
import { Random } from './random.ts';
import { orderStatus, phrase, timestamp, uuid } from './text.ts';

const seed = 'holdfast bench sql 1';
const pieceCharacters = 1 << 20;
const opening = `--
-- PostgreSQL database dump
--

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;

CREATE TABLE public.customers (id bigint NOT NULL, key uuid, created_at timestamp, name text, email text, balance numeric);
CREATE TABLE public.orders (id bigint NOT NULL, key uuid, customer_id bigint, created_at timestamp, updated_at timestamp, status text, total numeric, note text);

COPY public.customers (id, key, created_at, name, email, balance) FROM stdin;
`;
const between = `\\.

COPY public.orders (id, key, customer_id, created_at, updated_at, status, total, note) FROM stdin;
`;
const closing = `\\.

ALTER TABLE ONLY public.customers ADD CONSTRAINT customers_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
CREATE INDEX orders_customer ON public.orders USING btree (customer_id);
`;

/* People write the same remarks over and over. */
const remarks = makeRemarks(2_500);

type RowWriter = (random: Random, id: number) => string;

/** The dump in pieces of about 1 MiB; `scale` 1 is 2 GiB. */
export function* sqlDump(scale: number): Generator<Buffer> {
  const size = Math.round(2 * 1024 ** 3 * scale);
  yield Buffer.from(opening, 'latin1');
  yield* rows(customerRow, new Random(`${seed} customers`), 1, size * 0.1);
  yield Buffer.from(between, 'latin1');
  yield* rows(orderRow, new Random(`${seed} orders`), 1, size * 0.9 - opening.length - between.length - closing.length);
  yield Buffer.from(closing, 'latin1');
}

/** About `size` bytes of rows of the table of orders that are not in the dump: what an update leaves behind. */
export function changedOrders(label: string, firstId: number, size: number): Buffer {
  return Buffer.concat([...rows(orderRow, new Random(`${seed} changed ${label}`), firstId, size)]);
}

function* rows(write: RowWriter, random: Random, firstId: number, size: number): Generator<Buffer> {
  for (let left = size, id = firstId; left > 0;) {
    const wanted = Math.min(left, pieceCharacters);
    let text = '';
    while (text.length < wanted) {
      text += write(random, id);
      id += 1;
    }
    yield Buffer.from(text, 'latin1');
    left -= text.length;
  }
}

function customerRow(random: Random, id: number): string {
  const name = phrase(random, 2);
  const email = `${name.replace(' ', '.')}@${phrase(random, 1)}.example`;
  return `${id}\t${uuid(random)}\t${timestamp(id * 7_000_123 + random.below(1_000_000))}\t${name}\t${email}\t${random.below(1_000_000) / 100}\n`;
}

function orderRow(random: Random, id: number): string {
  const created = id * 3_211_017 + random.below(2_000_000);
  return (
    `${id}\t${uuid(random)}\t${random.below(400_000)}\t${timestamp(created)}\t${timestamp(created + random.below(90_000_000))}\t` +
    `${orderStatus(random)}\t${random.below(500_000) / 100}\t${note(random)}\n`
  );
}

function note(random: Random): string {
  let text = random.favouring(remarks);
  for (let more = random.below(6); more > 0; more -= 1) text += `. ${random.favouring(remarks)}`;
  return text + (random.below(3) === 0 ? `, ${phrase(random, 3)}` : '');
}

function makeRemarks(count: number): string[] {
  const random = new Random(`${seed} remarks`);
  return Array.from({ length: count }, () => phrase(random, 4 + random.below(6)));
}
