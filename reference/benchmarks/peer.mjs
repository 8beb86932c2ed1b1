// The peer, in memory and without compression. It is evaluated in the folder where the package is installed.
import { DurableStreamTestServer } from "@durable-streams/server"

const server = new DurableStreamTestServer({ port: 0, host: "127.0.0.1", compression: false })
console.log(await server.start())
