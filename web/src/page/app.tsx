import { useEffect, useState } from "preact/hooks";
import { DiffPage } from "./diff-page.tsx";
import { InspectPage } from "./inspect-page.tsx";
import { QuantizePage } from "./quantize-page.tsx";

/** Pages by their place in the address. */
const PAGES = {
  "#quantize": { title: "Quantize", Page: QuantizePage },
  "#inspect": { title: "Inspect", Page: InspectPage },
  "#diff": { title: "Diff", Page: DiffPage },
};

type Place = keyof typeof PAGES;

/** The whole page. All pages stay alive, so that going to another loses nothing. */
export function App() {
  const [place, setPlace] = useState<Place>(placeNow());
  useEffect(() => {
    const move = () => setPlace(placeNow());
    addEventListener("hashchange", move);
    return () => removeEventListener("hashchange", move);
  }, []);
  return (
    <>
      <header>
        <h1>boltq</h1>
        <p>Makes neural networks small and fast, and measures what that costs, on your own data.</p>
        <nav>
          {Object.entries(PAGES).map(([to, { title }]) => (
            <a key={to} href={to} aria-current={to === place ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main>
        {Object.entries(PAGES).map(([at, { Page }]) => (
          <div key={at} hidden={at !== place}>
            <Page />
          </div>
        ))}
      </main>
    </>
  );
}

function placeNow(): Place {
  return location.hash in PAGES ? (location.hash as Place) : "#quantize";
}
