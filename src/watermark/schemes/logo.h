// What the content watermark draws: a word in block letters, or a box (Zhang et al. 2018, Fig. 4: "TEST").
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace telltale::watermark {

struct Logo {
  int width = 0, height = 0;
  std::vector<bool> inked;  ///< height x width

  /// Letters of 5 x 7 pixels, one apart, each pixel `size` wide and high. Throws InputError, naming the character, for
  /// what is neither a letter, a digit nor a space, and for an empty word.
  static Logo of_text(const std::string& text, int size);
  static Logo of_box(int width, int height);
};

/// Corner, or the middle, that a logo lies in, one pixel from the edge where there is room.
enum class Place { top_left, top_right, bottom_left, bottom_right, centre };
/// Throws InputError, with the known names, for another name ("bottom-right").
Place place_named(const std::string& name);
const std::vector<std::string>& place_names();

/// Red, green, blue in [0,1] of a colour by name; throws InputError, with the known names, for another.
std::array<float, 3> colour_named(const std::string& name);
const std::vector<std::string>& colour_names();

/// Draws the logo on one image, C x H x W, with C = 1 (its luminance, ITU-R BT.601) or 3; `opacity` 1 covers what lies
/// below. Throws InputError if the logo is larger than the image.
void draw(const Logo& logo, Place place, const std::array<float, 3>& colour, float opacity,
          const data::ImageShape& shape, std::span<float> pixels);

}  // namespace telltale::watermark
