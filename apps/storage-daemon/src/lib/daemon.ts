import { createDriveContext, type DriveContext } from "@rehandle/options";
import { BackendWatch, type Emit } from "./backend-watch.ts";
import type { BlockExport, ExportBase } from "./block-export.ts";
import type { Changes } from "./block-commands.ts";
import { BlockExports } from "./block-exports.ts";
import { Chardev } from "./chardev.ts";
import { readChardev } from "./chardev-options.ts";
import type { DaemonSurroundings } from "./daemon-options.ts";
import { deleteNode, type Unflushed } from "./delete-node.ts";
import { readDrive } from "./drive-nodes.ts";
import { createLog, type Log } from "./log.ts";
import { loggedChanges } from "./logged-changes.ts";
import { Monitors } from "./monitor.ts";
import { NbdService } from "./nbd-service.ts";
import type { Node } from "./node.ts";
import { NodeGraph } from "./node-graph.ts";
import { Objects } from "./objects.ts";
import type {
  ExportSettings,
  MonitorSettings,
  NbdServerSettings,
  NodeOptions,
  ObjectSettings,
} from "./option-types.ts";
import { qmpCommands } from "./qmp-commands.ts";
import { UsageError } from "./usage-error.ts";
import { QMP_VERSION } from "./version.ts";

/** Everything that a daemon has: nodes, drives, exports, monitors; and how each option adds to it. */
export class Daemon implements Changes {
  readonly log: Log;
  readonly graph: NodeGraph;
  readonly exports: BlockExports;
  readonly nbd: NbdService;
  readonly monitors: Monitors;
  readonly chardevs: Map<string, Chardev> = new Map();
  readonly drives: Map<string, Node | null> = new Map();
  /** By node-name. */
  readonly watches: Map<string, BackendWatch> = new Map();
  readonly #objects: Objects;
  readonly #driveContext: DriveContext = createDriveContext();
  readonly #surroundings: DaemonSurroundings;

  constructor(surroundings: DaemonSurroundings, quit: () => Promise<void>) {
    const { clock, random, stderr, wrapDriver } = surroundings;
    this.#surroundings = surroundings;
    this.#objects = new Objects(clock);
    this.log = createLog(clock, (line) => void stderr.write(line));
    this.graph = new NodeGraph({
      clock,
      random,
      wrapDriver,
      findCredentials: (id) => this.#objects.client(id),
      onOpened: (node) => this.#watch(node),
      onClosed: ({ name }) => void this.watches.delete(name),
    });
    const { log, graph } = this;
    const onDeleted = (id: string): void => {
      log.limited("export deleted", "info", id, "export deleted");
      this.monitors.emit("BLOCK_EXPORT_DELETED", { id });
    };
    this.nbd = new NbdService({ clock, log, objects: this.#objects });
    const start = (settings: ExportSettings, base: ExportBase): Promise<BlockExport> =>
      this.#startExport(settings, base);
    this.exports = new BlockExports({ clock, log, graph, start, onDeleted });
    const { exports, drives, watches } = this;
    const forceDelete = (name: string): Promise<Unflushed> => deleteNode(name, true, { graph, clock, log });
    const changes = loggedChanges(this, log);
    const parts = { clock, log, changes, graph, exports, drives, watches, forceDelete, quit };
    this.monitors = new Monitors(qmpCommands(parts), QMP_VERSION, clock);
  }

  async addNode(options: NodeOptions): Promise<void> {
    await this.graph.add(options);
  }

  async deleteNode(name: string): Promise<void> {
    const { graph, log } = this;
    await deleteNode(name, false, { graph, clock: this.#surroundings.clock, log });
  }

  /** Gives lines that QEMU would warn with to `warn` before it opens anything. */
  async addDrive(argument: string, warn: (lines: readonly string[]) => void): Promise<void> {
    const { drive, node } = readDrive(argument, this.#driveContext, warn);
    this.drives.set(drive.id, node === null ? null : await this.graph.add(node, drive.id));
  }

  async addObject(settings: ObjectSettings): Promise<void> {
    await this.#objects.add(settings);
  }

  deleteObject(id: string): void {
    this.#objects.delete(id);
  }

  async startNbdServer(settings: NbdServerSettings): Promise<void> {
    await this.nbd.start(settings);
  }

  async stopNbdServer(): Promise<void> {
    await this.nbd.stop((graceMs) => this.exports.withdraw("nbd", graceMs));
  }

  async addExport(settings: ExportSettings): Promise<void> {
    await this.exports.add(settings);
  }

  /** Gives lines that QEMU would warn with to `warn` before it opens anything. */
  async addChardev(
    argument: string,
    onWait: (where: string) => void,
    warn: (lines: readonly string[]) => void,
  ): Promise<void> {
    const options = readChardev(argument, warn);
    const { id } = options;
    if (this.chardevs.has(id)) throw new UsageError(`Duplicate ID '${id}' for chardev`);
    const chardev = new Chardev(id);
    this.chardevs.set(id, chardev);
    await chardev.open(options, this.#surroundings);
    if (options.backend === "socket" && options.waits) {
      onWait(`disconnected:${chardev.listensOn},server=on`);
      await chardev.firstConnection();
    }
  }

  addMonitor(settings: MonitorSettings): void {
    const chardev = this.chardevs.get(settings.chardev);
    if (chardev === undefined) throw new UsageError(`chardev "${settings.chardev}" not found`);
    if (settings.mode === "readline") throw new UsageError("Only QMP is supported");
    if (settings.pretty) throw new UsageError("pretty=on is not supported");
    if (chardev.isInUse) throw new UsageError(`Device '${settings.chardev}' is in use`);
    chardev.consume((connection) => this.monitors.serve(connection));
  }

  /** What is there, in one line. */
  describe(): string {
    const nodes = this.graph.nodes.filter(({ isOwned }) => !isOwned).map(({ name }) => name);
    const exports = this.exports.all.map(({ id }) => id);
    return `nodes: ${nodes.join(", ") || "none"}; exports: ${exports.join(", ") || "none"}`;
  }

  /** Withdraws all exports and lets no new client in; see {@link BlockExport.close}. */
  async closeExports(type: BlockExport["type"], graceMs: number): Promise<void> {
    if (type === "nbd") await this.nbd.close(graceMs);
    await this.exports.close(type, graceMs);
  }

  async #startExport(settings: ExportSettings, base: ExportBase): Promise<BlockExport> {
    if (settings.type === "nbd") return this.nbd.offer(settings, base);
    const { clock } = this.#surroundings;
    // Some 80 modules that no other export needs.
    const { startVhostUserExport } = await import("./vhost-user-export.ts");
    return startVhostUserExport(settings, base, { clock, log: this.log });
  }

  #watch(node: Node): void {
    const { name, device, backend } = node;
    const { log } = this;
    const { clock } = this.#surroundings;
    if (backend !== null) {
      const emit: Emit = (event, data) => this.monitors.emit(event, data);
      this.watches.set(name, new BackendWatch({ name, device, backend, clock, log, emit }));
      backend.subscribe((event) => {
        if (event.type === "congestion" && !event.congested) this.exports.resume();
      });
    } else if (node.child === null && node.capabilities.reportsConnection) {
      node.listeners.add((event) => {
        if (event.type === "disconnected") {
          log.limited("lost", "warning", name, `connection lost: ${event.error.code}: ${event.error.message}`);
        } else if (event.type === "connected") {
          log.limited("back", "info", name, `connected again, connection ${event.generation}`);
        }
      });
    }
  }
}
