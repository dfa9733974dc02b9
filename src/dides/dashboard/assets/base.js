// The path prefix below which the dashboard is, "" for none: this file is at PREFIX/ui/assets/DIGEST/base.js.
export const base = new URL("../../..", import.meta.url).pathname.replace(/\/$/, "");
