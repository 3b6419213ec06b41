import type { Changes } from "./block-commands.ts";
import type { Log } from "./log.ts";

/** Changes that monitors make, each with a line in the log when it is done. */
export function loggedChanges(changes: Changes, log: Log): Changes {
  const done = (subject: string, what: string): void => log.limited(what, "info", subject, what);
  return {
    async addNode(options) {
      await changes.addNode(options);
      done(options["node-name"] ?? "", "node added");
    },
    async deleteNode(name) {
      await changes.deleteNode(name);
      done(name, "node deleted");
    },
    async addExport(settings) {
      await changes.addExport(settings);
      done(settings.id, `export added, ${settings.type}`);
    },
    startNbdServer: (settings) => changes.startNbdServer(settings),
    stopNbdServer: () => changes.stopNbdServer(),
    async addObject(settings) {
      await changes.addObject(settings);
      done(settings.id, `object added, ${settings["qom-type"]}`);
    },
    deleteObject(id) {
      changes.deleteObject(id);
      done(id, "object deleted");
    },
  };
}
