import base from "/work/wt-house/vitest.config.ts";
export default { ...base, root: "/work/wt-house", test: { ...base.test, setupFiles: ["/tmp/house/setup.ts"] } };
