// The pages' script. Every page works without it; with it they are live. The same file is the shared
// worker that reads the event stream for all tabs.
// SPDX-License-Identifier: Apache-2.0

import { goLive } from "./live";
import { startLogs } from "./log";
import { serveTabs } from "./stream";

if (typeof document === "undefined") {
  serveTabs(self as unknown as Parameters<typeof serveTabs>[0]);
} else {
  goLive(import.meta.url);
  startLogs();
}
