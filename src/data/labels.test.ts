import { expect, it } from "vitest";
import { labelsOfFolders, parseLabels } from "./labels.ts";

it("gives the class of each file; a heading and empty lines are passed over", () => {
  const wanted = [
    ["a.jpg", 3],
    ["b/c.png", 0],
  ];
  expect([...parseLabels("file,class\na.jpg, 3\r\n\n b/c.png ,0\n", "l.csv")]).toEqual(wanted);
  expect([...parseLabels("a.jpg,3\nb/c.png,0", "l.csv")]).toEqual(wanted);
});

for (const line of ["b.jpg", "b.jpg,cat", "b.jpg,-1", "b.jpg,1.5"]) {
  it(`names the line "${line}"`, () => {
    expect(() => parseLabels(`a.jpg,1\n${line}`, "l.csv")).toThrow('l.csv: line 2 is no "file,class"');
  });
}

it("tells classes by folders: by their names' order, or by their numbers", () => {
  expect([...labelsOfFolders(["a/dog/1.jpg", "cat/2.jpg", "dog/3.jpg"])]).toEqual([
    ["a/dog/1.jpg", 1],
    ["cat/2.jpg", 0],
    ["dog/3.jpg", 1],
  ]);
  expect([...labelsOfFolders(["10/1.jpg", "9/2.jpg"]).values()]).toEqual([10, 9]);
  expect(() => labelsOfFolders(["cat/1.jpg", "2.jpg"])).toThrow('"2.jpg" lies in no folder');
});
