// What the makers of the formats say of a feed's documents: node feed_documents.mjs ASYNCAPI OPENAPI
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
import { Validator } from "@seriousme/openapi-schema-validator";

const ERROR = 0;
const [asyncapi, openapi] = process.argv.slice(2).map((file) => readFileSync(file, "utf8"));
const { document, diagnostics } = await new Parser().parse(asyncapi);
const faults = diagnostics.filter(({ severity }) => severity === ERROR).map(({ message }) => message);
const { valid, errors } = await new Validator().validate(JSON.parse(openapi));
console.log(JSON.stringify({ parsed: document !== undefined, faults, valid, errors: errors ?? [] }));
