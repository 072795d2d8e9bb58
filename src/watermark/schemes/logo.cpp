#include "watermark/schemes/logo.h"

#include <cstdint>

#include "core/error.h"
#include "core/text.h"

namespace telltale::watermark {
namespace {

constexpr int letter_width = 5, letter_height = 7;
// Rows from the top; the highest of five bits is the leftmost pixel.
using Letter = std::array<std::uint8_t, letter_height>;

// clang-format off
constexpr std::array<Letter, 26> letters{{
    {0x0e, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11},  // A
    {0x1e, 0x11, 0x11, 0x1e, 0x11, 0x11, 0x1e},  // B
    {0x0e, 0x11, 0x10, 0x10, 0x10, 0x11, 0x0e},  // C
    {0x1e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1e},  // D
    {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x1f},  // E
    {0x1f, 0x10, 0x10, 0x1e, 0x10, 0x10, 0x10},  // F
    {0x0e, 0x11, 0x10, 0x17, 0x11, 0x11, 0x0f},  // G
    {0x11, 0x11, 0x11, 0x1f, 0x11, 0x11, 0x11},  // H
    {0x0e, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e},  // I
    {0x07, 0x02, 0x02, 0x02, 0x02, 0x12, 0x0c},  // J
    {0x11, 0x12, 0x14, 0x18, 0x14, 0x12, 0x11},  // K
    {0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x1f},  // L
    {0x11, 0x1b, 0x15, 0x15, 0x11, 0x11, 0x11},  // M
    {0x11, 0x19, 0x15, 0x13, 0x11, 0x11, 0x11},  // N
    {0x0e, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e},  // O
    {0x1e, 0x11, 0x11, 0x1e, 0x10, 0x10, 0x10},  // P
    {0x0e, 0x11, 0x11, 0x11, 0x15, 0x12, 0x0d},  // Q
    {0x1e, 0x11, 0x11, 0x1e, 0x14, 0x12, 0x11},  // R
    {0x0f, 0x10, 0x10, 0x0e, 0x01, 0x01, 0x1e},  // S
    {0x1f, 0x04, 0x04, 0x04, 0x04, 0x04, 0x04},  // T
    {0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x0e},  // U
    {0x11, 0x11, 0x11, 0x11, 0x11, 0x0a, 0x04},  // V
    {0x11, 0x11, 0x11, 0x15, 0x15, 0x1b, 0x11},  // W
    {0x11, 0x11, 0x0a, 0x04, 0x0a, 0x11, 0x11},  // X
    {0x11, 0x11, 0x0a, 0x04, 0x04, 0x04, 0x04},  // Y
    {0x1f, 0x01, 0x02, 0x04, 0x08, 0x10, 0x1f},  // Z
}};
constexpr std::array<Letter, 10> digits{{
    {0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e},  // 0
    {0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e},  // 1
    {0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f},  // 2
    {0x1e, 0x01, 0x01, 0x0e, 0x01, 0x01, 0x1e},  // 3
    {0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02},  // 4
    {0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e},  // 5
    {0x0e, 0x10, 0x1e, 0x11, 0x11, 0x11, 0x0e},  // 6
    {0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08},  // 7
    {0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e},  // 8
    {0x0e, 0x11, 0x11, 0x0f, 0x01, 0x01, 0x0e},  // 9
}};
// clang-format on

const Letter& letter_of(char character) {
  static constexpr Letter space{};
  if (character == ' ') return space;
  if (character >= '0' && character <= '9') return digits[static_cast<std::size_t>(character - '0')];
  if (character >= 'a' && character <= 'z') return letters[static_cast<std::size_t>(character - 'a')];
  if (character >= 'A' && character <= 'Z') return letters[static_cast<std::size_t>(character - 'A')];
  throw InputError(std::string("a logo cannot hold the character '") + character +
                   "': only letters A to Z, digits and spaces");
}

struct Colour {
  std::string name;
  std::array<float, 3> value;
};

const std::vector<Colour>& colours() {
  static const std::vector<Colour> all{{"white", {1, 1, 1}}, {"black", {0, 0, 0}}, {"grey", {.5F, .5F, .5F}},
                                       {"red", {1, 0, 0}},   {"green", {0, 1, 0}}, {"blue", {0, 0, 1}}};
  return all;
}

// Where a logo begins along one side.
int begin_of(int side, int length, bool at_end) {
  const int room = side - length;
  const int margin = room > 1 ? 1 : 0;
  return at_end ? room - margin : margin;
}

}  // namespace

Logo Logo::of_text(const std::string& text, int size) {
  if (text.empty()) throw InputError("a logo without a character cannot be seen");
  const int columns = static_cast<int>(text.size()) * (letter_width + 1) - 1;
  Logo logo = of_box(columns * size, letter_height * size);
  logo.inked.assign(logo.inked.size(), false);
  for (int y = 0; y < logo.height; ++y)
    for (int x = 0; x < logo.width; ++x) {
      const int column = x / size % (letter_width + 1);
      const Letter& letter = letter_of(text[static_cast<std::size_t>(x / size / (letter_width + 1))]);
      logo.inked[static_cast<std::size_t>(y * logo.width + x)] =
          column < letter_width && (letter[static_cast<std::size_t>(y / size)] >> (letter_width - 1 - column) & 1) != 0;
    }
  return logo;
}

Logo Logo::of_box(int width, int height) {
  return {width, height, std::vector<bool>(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), true)};
}

const std::vector<std::string>& place_names() {
  static const std::vector<std::string> names{"top-left", "top-right", "bottom-left", "bottom-right", "centre"};
  return names;
}

Place place_named(const std::string& name) {
  for (std::size_t i = 0; i < place_names().size(); ++i)
    if (place_names()[i] == name) return static_cast<Place>(i);
  throw InputError("there is no place \"" + name + "\"; there are: " + joined(place_names()));
}

const std::vector<std::string>& colour_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Colour& colour : colours()) all.push_back(colour.name);
    return all;
  }();
  return names;
}

std::array<float, 3> colour_named(const std::string& name) {
  for (const Colour& colour : colours())
    if (colour.name == name) return colour.value;
  throw InputError("there is no colour \"" + name + "\"; there are: " + joined(colour_names()));
}

void draw(const Logo& logo, Place place, const std::array<float, 3>& colour, float opacity,
          const data::ImageShape& shape, std::span<float> pixels) {
  if (logo.width > shape.width || logo.height > shape.height)
    throw InputError("a logo of " + std::to_string(logo.width) + " x " + std::to_string(logo.height) +
                     " pixels is larger than the images of " + std::to_string(shape.width) + " x " +
                     std::to_string(shape.height));
  const bool right = place == Place::top_right || place == Place::bottom_right;
  const bool bottom = place == Place::bottom_left || place == Place::bottom_right;
  const int left = place == Place::centre ? (shape.width - logo.width) / 2 : begin_of(shape.width, logo.width, right);
  const int top =
      place == Place::centre ? (shape.height - logo.height) / 2 : begin_of(shape.height, logo.height, bottom);
  for (int c = 0; c < shape.channels; ++c) {
    const float ink = shape.channels == 1 ? 0.299F * colour[0] + 0.587F * colour[1] + 0.114F * colour[2]
                                          : colour[static_cast<std::size_t>(c % 3)];
    for (int y = 0; y < logo.height; ++y)
      for (int x = 0; x < logo.width; ++x) {
        if (!logo.inked[static_cast<std::size_t>(y * logo.width + x)]) continue;
        float& pixel = pixels[static_cast<std::size_t>((c * shape.height + top + y) * shape.width + left + x)];
        pixel = pixel + opacity * (ink - pixel);
      }
  }
}

}  // namespace telltale::watermark
