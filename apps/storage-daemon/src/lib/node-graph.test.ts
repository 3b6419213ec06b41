import { createBlockClient, createRandom, createSystemClock } from "@rehandle/driver-sdk";
import { expect, test } from "vitest";
import type { Node } from "./node.ts";
import { NodeGraph } from "./node-graph.ts";
import { blockdevOption } from "./option-table.ts";

function createGraph(): { graph: NodeGraph; opened: string[]; add: (text: string) => Promise<Node> } {
  const opened: string[] = [];
  const graph = new NodeGraph({
    wrapDriver: (driver) => driver,
    clock: createSystemClock(),
    random: createRandom(1),
    findCredentials: () => ({}),
    onOpened: ({ name }) => void opened.push(name),
    onClosed: () => undefined,
  });
  return { graph, opened, add: (text) => graph.add(blockdevOption.parseValue(text)) };
}

test("nodes use others by name or have them inside, and what is inside goes with them", async () => {
  const { graph, opened, add } = createGraph();
  await add("memory,node-name=m,size=64k");
  await add("raw,node-name=part,file=m,offset=4096,size=8192");
  const top = await add("rehandle,node-name=r,file.driver=raw,file.file=part");
  expect(opened).toEqual(["m", "part", "#block101", "r"]);
  expect(top.child?.name).toBe("#block101");
  expect(graph.find("m").users.size).toBe(1);
  const client = createBlockClient(graph.view(top));
  await client.write(0, new Uint8Array(512).fill(7));
  expect((await createBlockClient(graph.find("m").driver).read(4096, 1))[0]).toBe(7);
  await top.driver.close();
  expect(graph.nodes.map(({ name }) => name)).not.toContain("#block101");
  await graph.closeAll();
  expect(graph.nodes).toEqual([]);
});

test("a node that cannot be opened leaves nothing behind, and its name is free again", async () => {
  const { graph, add } = createGraph();
  await expect(add("raw,node-name=r,offset=9999,file.driver=memory,file.size=4k,file.node-name=inner")).rejects.toThrow(
    "Offset (9999) cannot be greater than size of the containing file (4096)",
  );
  expect(graph.nodes).toEqual([]);
  await add("memory,node-name=inner,size=1k");
  await add("raw,node-name=r,file=inner");
  await graph.closeAll();
});

test("a node shows less than its driver can where its options say so", async () => {
  const { graph, add } = createGraph();
  const plain = await add("memory,node-name=m,size=4k");
  expect(plain.capabilities).toMatchObject({ readOnly: false, discard: false });
  const readOnly = await add("raw,node-name=ro,file=m,read-only=on");
  expect(readOnly.capabilities.readOnly).toBe(true);
  const inside = await add("raw,node-name=i,discard=unmap,read-only=on,file.driver=memory,file.size=4k");
  expect(inside.capabilities).toMatchObject({ readOnly: true, discard: true });
  expect(inside.child?.flags).toMatchObject({ readOnly: true, unmap: true });
  await graph.closeAll();
});

test("two that come at once cannot both have a name", async () => {
  const { graph, add } = createGraph();
  const results = await Promise.allSettled([add("memory,node-name=m,size=4k"), add("memory,node-name=m,size=4k")]);
  expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  await graph.closeAll();
});

test("a node has a user from the moment when another one is made on it", async () => {
  const { graph, add } = createGraph();
  const child = await add("memory,node-name=m,size=4k");
  const parent = add("raw,node-name=r,file=m");
  expect(child.users.size).toBe(1);
  await parent;
  await expect(add("raw,node-name=s,file=m,offset=9999")).rejects.toThrow("Offset (9999)");
  expect(child.users.size).toBe(1);
  await graph.closeAll();
});

test("a node that was made for another lives as long as anybody uses it", async () => {
  const { graph, add } = createGraph();
  const top = await add("raw,node-name=r,file.driver=memory,file.size=4k,file.node-name=inner");
  const view = graph.view(graph.find("inner"));
  await graph.close(top);
  const client = createBlockClient(view);
  await client.write(0, new Uint8Array(512).fill(1));
  await view.close();
  expect(graph.nodes).toEqual([]);
});
