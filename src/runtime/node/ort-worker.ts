import { ownPort } from "../../io/node/start-worker.ts";
import { serveSession } from "../serve-session.ts";
import { openGatedSession } from "./gated-session.ts";

serveSession(ownPort(), openGatedSession);
