// One script, without a name that changes: the server names it by its content.
// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from "vite";

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2020",
    outDir: process.env.DROVER_WEB_OUT ?? "dist",
    emptyOutDir: false,
    modulePreload: false,
    rollupOptions: {
      input: "src/main.ts",
      output: { entryFileNames: "drover.js", inlineDynamicImports: true },
    },
  },
});
