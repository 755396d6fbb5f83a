import { fileURLToPath } from "node:url";
import manifest from "../../../package.json" with { type: "json" };

/**
 * What to type so that this copy of the package finds onnxruntime-node, wherever it was installed. Its install script, which
 * downloads parts that are not needed here and fails where that is blocked, is told to do nothing. `file` is a file of the
 * package, given by tests.
 */
export function installCommand(
  file: string = fileURLToPath(import.meta.url),
  platform: string = process.platform,
): string {
  const skip = platform === "win32" ? "set ONNXRUNTIME_NODE_INSTALL=skip&& " : "ONNXRUNTIME_NODE_INSTALL=skip ";
  return `${skip}npm install ${placeOf(file)}onnxruntime-node@${manifest.optionalDependencies["onnxruntime-node"]}`;
}

/** npm's option for the folder whose node_modules the package is in. */
function placeOf(file: string): string {
  const [, home] = /^(.*)[\\/]node_modules[\\/]/.exec(file) ?? [];
  if (home === undefined) return "";
  return /[\\/](lib|npm)$/.test(home) ? "--global " : `--prefix "${home}" `;
}
