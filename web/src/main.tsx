import { render } from "preact";
import { workOffline } from "./offline/register.ts";
import { App } from "./page/app.tsx";

render(<App />, document.getElementById("app")!);
workOffline();
