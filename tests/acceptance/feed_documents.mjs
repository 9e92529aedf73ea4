// What the makers of the formats say of feeds' documents: node feed_documents.mjs FOLDER …
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
import { Validator } from "@seriousme/openapi-schema-validator";

const ERROR = 0;
const judged = {};
for (const folder of process.argv.slice(2)) {
  const [asyncapi, openapi] = ["asyncapi", "openapi"].map((name) => readFileSync(`${folder}/${name}.json`, "utf8"));
  const { document, diagnostics } = await new Parser().parse(asyncapi);
  const faults = diagnostics.filter(({ severity }) => severity === ERROR).map(({ message }) => message);
  const { valid, errors } = await new Validator().validate(JSON.parse(openapi));
  const actions = document?.operations().all().map((one) => one.action());
  judged[folder] = { actions, faults, valid, errors: errors ?? [] };
}
console.log(JSON.stringify(judged));
