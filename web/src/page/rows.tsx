import { useState } from "preact/hooks";

/** So many rows are shown at first: a page with thousands is slow. */
const FIRST_ROWS = 200;

/** A table that shows its first rows, and all when asked. */
export function Rows(props: {
  readonly caption: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}) {
  const { caption, head, rows } = props;
  const [isWhole, setWhole] = useState(false);
  return (
    <div class="scroll">
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {head.map((word) => (
              <th key={word} scope="col">
                {word}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(isWhole ? rows : rows.slice(0, FIRST_ROWS)).map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={head[column]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {!isWhole && rows.length > FIRST_ROWS && (
        <button type="button" class="second" onClick={() => setWhole(true)}>
          Show all {rows.length}
        </button>
      )}
    </div>
  );
}
