import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** Below this size compression saves nothing that a client would notice. */
const SMALLEST_BYTES = 512;

/** Writes `name.gz` beside each file, so that the API sends it as it is. The same content gives the same bytes. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    enforce: "post",
    generateBundle(_, bundle) {
      for (const [name, file] of Object.entries(bundle)) {
        const content = Buffer.from(file.type === "chunk" ? file.code : file.source);
        if (content.length >= SMALLEST_BYTES) {
          this.emitFile({ type: "asset", fileName: `${name}.gz`, source: gzipSync(content, { level: 9 }) });
        }
      }
    },
  };
}

// `npm run dev` serves the page and hands everything else to an API: REALTIME_API=http://10.96.0.7:3001 npm run dev
const api = process.env.REALTIME_API ?? "http://127.0.0.1:3001";

export default defineConfig({
  plugins: [react(), compressed()],
  resolve: {
    alias: { "@realtimestack/client": new URL("../client-js/src/index.ts", import.meta.url).pathname },
    // The client's sources stand in a folder without node_modules.
    dedupe: ["react", "react-dom", "socket.io-client"],
  },
  build: {
    target: "es2023",
    // Colours for light and dark are written once; these browsers know how.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // A page that may load nothing but files of its own origin cannot load what is written into a style sheet as data either.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    port: 5173,
    proxy: {
      "/api": { target: api },
      "/socket.io": { target: api, ws: true },
    },
  },
  test: { include: ["src/**/*.test.{ts,tsx}"], testTimeout: 30_000 },
} as Parameters<typeof defineConfig>[0]);
