// A round trip with the types that openapi-typescript makes from openapi.json, and openapi-fetch.

import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { paths } from "./kafka_do.js";

const topic = "generated-typescript";
const bytes = Buffer.from([0x00, 0xff]);
const client = createClient<paths>({ baseUrl: process.argv[2] });

const created = await client.POST("/v1/topics", { body: { topic, partitions: 2 } });
assert(created.data, created.error?.detail);

const place = { topic, partition: 1 };
const records = "/v1/topics/{topic}/partitions/{partition}/records";
const coded = bytes.toString("base64");
const produced = await client.POST(records, {
  params: { path: place },
  body: {
    records: [
      { key: "a", value: { order: 1 }, headers: [{ key: "trace", value: "x" }] },
      { key: coded, key_encoding: "base64", value: coded, value_encoding: "base64" },
    ],
  },
});
assert(produced.data && "results" in produced.data, produced.error?.detail); // an answer 202 has none
assert.deepEqual(produced.data.results.map((result) => result.offset), [0, 1]);

const fetched = await client.GET(records, { params: { path: place, query: { offset: 0 } } });
assert(fetched.data, fetched.error?.detail);
const [first, second] = fetched.data.records;
assert(first && second);
assert.deepEqual([first.offset, first.key, first.value], [0, "a", { order: 1 }]);
assert.deepEqual(first.headers, [{ key: "trace", value: "x" }]);
assert.deepEqual([second.offset, second.key_encoding, second.value_encoding], [1, "base64", "base64"]);
assert(second.key !== null && typeof second.value === "string");
assert.deepEqual([second.key, second.value].map((text) => Buffer.from(text, "base64")), [bytes, bytes]);
assert.equal(fetched.data.next_offset, 2);

const refused = await client.GET(records, { params: { path: place, query: { offset: 900 } } });
assert.deepEqual([refused.error?.code, refused.error?.high_watermark], ["offset_out_of_range", 2]);

const deleted = await client.DELETE("/v1/topics/{topic}", { params: { path: { topic } } });
assert.equal(deleted.response.status, 204);
