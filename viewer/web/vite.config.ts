// Builds the pages into the Python package, under names that stay the same.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const FILES = ["index.html", "package-lock.json", "tsconfig.json", "vite.config.ts"];

// What the pages were built from, so that a test without Node can tell whether they are up to date.
function sources(): Plugin {
  let folder = "";
  return {
    name: "sources",
    configResolved(config) {
      folder = config.build.outDir;
    },
    closeBundle() {
      const inside = ["public", "src"].flatMap((top) =>
        readdirSync(top, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name).replaceAll("\\", "/")),
      );
      const hash = createHash("sha256");
      for (const file of [...FILES, ...inside].sort()) {
        hash.update(`${file}\n`).update(readFileSync(file));
      }
      writeFileSync(join(folder, "sources.sha256"), `${hash.digest("hex")}\n`);
    },
  };
}

export default defineConfig({
  base: "./",
  plugins: [react(), sources()],
  build: {
    outDir: "../debugger/built",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    license: { fileName: "licences.md" },
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      output: {
        codeSplitting: false,
        entryFileNames: "app.js",
        assetFileNames: "app[extname]",
      },
    },
  },
});
