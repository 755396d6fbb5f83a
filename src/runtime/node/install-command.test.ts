import { expect, it } from "vitest";
import { installCommand } from "./install-command.ts";

it.each([
  [
    "/home/me/app/node_modules/boltq/dist/bin/boltq.js",
    "linux",
    /^ONNXRUNTIME_NODE_INSTALL=skip npm install --prefix "\/home\/me\/app" onnxruntime-node@\d+\.\d+\.\d+$/,
  ],
  ["/root/.npm/_npx/0a1b/node_modules/boltq/dist/bin/boltq.js", "linux", /--prefix "\/root\/\.npm\/_npx\/0a1b" /],
  ["/usr/local/lib/node_modules/boltq/dist/bin/boltq.js", "darwin", / npm install --global onnxruntime-node@/],
  ["/home/me/boltq/dist/bin/boltq.js", "linux", /skip npm install onnxruntime-node@/],
  [
    "C:\\Users\\me\\AppData\\Roaming\\npm\\node_modules\\boltq\\dist\\bin\\boltq.js",
    "win32",
    /^set ONNXRUNTIME_NODE_INSTALL=skip&& npm install --global /,
  ],
])("says what to type for %s", (file, platform, command) => {
  expect(installCommand(file, platform)).toMatch(command);
});
