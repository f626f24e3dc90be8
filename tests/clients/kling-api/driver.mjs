// Does one thing with the client `kling-api`, as a program would that uses it.
//
// Reads a JSON object from stdin: config (of the client), call and what the call takes; writes one to stdout:
// "answer", or "error" with what the client made of a refusal.
import { readFileSync } from "node:fs";

import { KlingAPI } from "kling-api";

const calls = {
  create: (api, { params }) => api.multiImageToImage(params),
  query: (api, { task_id }) => api.queryMultiImageToImageTask(task_id),
  account: (api) => api.getAccountInfo(Date.now() - 1000, Date.now()),
  async finish(api, { task_id, folder, prompt }) {
    const query = api.queryMultiImageToImageTask.bind(api);
    const task = await api.waitForImageResult(task_id, query, { interval: 200, timeout: 120_000, showSpinner: false });
    return { task, files: await api.saveImageResult(task, folder, prompt) };
  },
};

const { config, call, ...given } = JSON.parse(readFileSync(0, "utf8"));

let result;
try {
  result = { answer: await calls[call](new KlingAPI(config), given) };
} catch (error) {
  const { name, message, code, requestId, httpStatus } = error;
  result = { error: { name, message, code, requestId, httpStatus } };
}
process.stdout.write(JSON.stringify(result));
