import { describe, expect, it } from "vitest";
import { describePreprocessing, parsePreprocessing, preset } from "./specification.ts";

const parsed = (config: object) => parsePreprocessing(JSON.stringify(config), "preprocessor_config.json");

describe("a preprocessor_config.json", () => {
  it("says what torchvision's way for ImageNet is", () => {
    const { mean, scale, ...rest } = parsed({
      do_resize: true,
      size: { shortest_edge: 256 },
      do_center_crop: true,
      crop_size: { height: 224, width: 224 },
      resample: 2,
      do_rescale: true,
      rescale_factor: 1 / 255,
      do_normalize: true,
      image_mean: [0.485, 0.456, 0.406],
      image_std: [0.229, 0.224, 0.225],
    });
    const expected = preset("imagenet");
    expect(rest).toMatchObject({ resize: "crop", shortSide: 256, channels: "RGB", interpolation: "bilinear" });
    for (const channel of [0, 1, 2]) {
      expect(mean[channel]).toBeCloseTo(expected.mean[channel]!, 9);
      expect(scale[channel]).toBeCloseTo(expected.scale[channel]!, 9);
    }
  });

  it("says ViT's, without a crop, and what is not normalized or rescaled", () => {
    const vit = parsed({ do_normalize: true, image_mean: [0.5, 0.5, 0.5], image_std: [0.5, 0.5, 0.5], size: 224 });
    expect(describePreprocessing(vit)).toBe(
      "stretched, RGB, (x - 127.5,127.5,127.5) * 0.007843,0.007843,0.007843: -1.00 to 1.00",
    );
    expect(parsed({ do_rescale: false, do_normalize: false })).toMatchObject({
      mean: [0],
      scale: [1],
      resize: "stretch",
    });
    expect(parsed({ do_normalize: false })).toMatchObject({ mean: [0], scale: [1 / 255] });
  });

  it("is refused where a field is not what it should be", () => {
    expect(() => parsed({ do_normalize: true, image_mean: ["0.5"] })).toThrow(
      '"image_mean" is not one number or three',
    );
  });
});
