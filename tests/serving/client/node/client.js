// Asks a server for its health, a status, a number and an image, from the protocol alone.
// usage: node client.js HOST:PORT DESCRIPTOR_SET   (a serialised FileDescriptorSet)
"use strict";

const fs = require("fs");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const [address, descriptors] = process.argv.slice(2);
const definition = loader.loadFileDescriptorSetFromBuffer(fs.readFileSync(descriptors), {
  keepCase: true,
  longs: Number,
  enums: String,
});
const { tensorflow, grpc: standard } = grpc.loadPackageDefinition(definition);
const credentials = grpc.credentials.createInsecure();
const prediction = new tensorflow.serving.PredictionService(address, credentials);
const models = new tensorflow.serving.ModelService(address, credentials);
const health = new standard.health.v1.Health(address, credentials);

const call = (client, method, request) =>
  new Promise((resolve) => {
    const deadline = Date.now() + 10000;
    client[method](request, { deadline }, (error, reply) =>
      resolve(error ? { code: error.code, details: error.details } : reply));
  });
// Without .proto files grpc-js reads a map as a list of entries, as it is on the wire.
const entries = (map) => Object.entries(map).map(([key, value]) => ({ key, value }));
const output = (reply, name) => reply.outputs.find((entry) => entry.key === name).value;
const tensor = (dtype, field, values) => ({
  dtype,
  tensor_shape: { dim: [{ size: values.length }] },
  [field]: values,
});

async function main() {
  const half = await call(prediction, "Predict", {
    model_spec: { name: "half_plus_two", version_label: "stable" },
    inputs: entries({ x: tensor("DT_FLOAT", "float_val", [1, 2, 5]) }),
  });
  const drawn = await call(prediction, "Predict", {
    model_spec: { name: "solid_colour" },
    inputs: entries({
      prompt: tensor("DT_STRING", "string_val", [Buffer.from("a red bus")]),
      seed: tensor("DT_INT64", "int64_val", [3]),
      temperature: tensor("DT_FLOAT", "float_val", [1]),
    }),
    output_filter: ["png_bytes"],
  });
  const status = await call(models, "GetModelStatus", { model_spec: { name: "solid_colour" } });
  console.log(JSON.stringify({
    health: (await call(health, "Check", { service: "" })).status,
    y: output(half, "y").float_val,
    version: half.model_spec.version.value,
    png: output(drawn, "png_bytes").string_val[0].toString("base64"),
    state: status.model_version_status[0].state,
    missing: await call(prediction, "Predict", { model_spec: { name: "m" } }),
  }));
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
