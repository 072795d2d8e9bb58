#include "data/glyph_strokes.h"

namespace telltale::data {

// clang-format off
const std::array<std::vector<Stroke>, 10>& digit_strokes() {
  static const std::array<std::vector<Stroke>, 10> strokes = {{
      {{Line::curved, {{.1f, -1}, {-.7f, -1}, {-.8f, 0}, {-.65f, 1}, {.05f, 1.05f}, {.7f, 1}, {.8f, 0}, {.65f, -1}, {0, -1}}}},
      {{Line::straight, {{.1f, -1}, {0, 1}}},
       {Line::straight, {{-.35f, -.6f}, {.1f, -1}}, .7f},
       {Line::straight, {{-.4f, 1}, {.4f, 1}}, .25f}},
      {{Line::curved, {{-.65f, -.55f}, {-.5f, -1.1f}, {.65f, -1.15f}, {.75f, -.25f}, {.1f, .2f}, {-.7f, 1}}},
       {Line::straight, {{-.7f, 1}, {.75f, .95f}}}},
      {{Line::curved, {{-.65f, -.75f}, {-.2f, -1.15f}, {.8f, -1.05f}, {.6f, -.1f}, {-.2f, -.08f}}},
       {Line::curved, {{-.2f, -.08f}, {.9f, -.1f}, {.85f, 1.1f}, {-.2f, 1.15f}, {-.7f, .7f}}}},
      {{Line::straight, {{.2f, -1}, {-.7f, .3f}, {.75f, .3f}}},
       {Line::straight, {{.35f, -.45f}, {.3f, 1}}}},
      {{Line::straight, {{.65f, -1}, {-.5f, -1}, {-.55f, -.1f}}},
       {Line::curved, {{-.55f, -.1f}, {.1f, -.4f}, {.9f, 0}, {.75f, 1.15f}, {-.2f, 1.15f}, {-.7f, .7f}}}},
      {{Line::curved, {{.5f, -1}, {-.4f, -.75f}, {-.85f, .4f}, {-.45f, 1.15f}, {.65f, 1.15f}, {.85f, .15f}, {.1f, -.2f}, {-.65f, .4f}}}},
      {{Line::straight, {{-.7f, -.95f}, {.7f, -.95f}, {-.1f, 1}}},
       {Line::straight, {{-.3f, .05f}, {.5f, .05f}}, .3f}},
      {{Line::curved, {{0, -.05f}, {-.85f, -.2f}, {-.6f, -1.15f}, {.6f, -1.15f}, {.85f, -.2f}, {0, -.05f}}},
       {Line::curved, {{0, -.05f}, {-1, .1f}, {-.75f, 1.15f}, {.75f, 1.15f}, {1, .1f}, {0, -.05f}}}},
      {{Line::curved, {{.65f, -.5f}, {.5f, -1.15f}, {-.65f, -1.15f}, {-.8f, -.2f}, {.1f, .1f}, {.65f, -.5f}}},
       {Line::curved, {{.65f, -.6f}, {.65f, .4f}, {.2f, 1}}}},
  }};
  return strokes;
}

const std::array<std::vector<Stroke>, 26>& letter_strokes() {
  static const std::array<std::vector<Stroke>, 26> strokes = {{
      {{Line::straight, {{-.7f, 1}, {0, -1}, {.7f, 1}}},
       {Line::straight, {{-.4f, .25f}, {.4f, .25f}}}},  // A
      {{Line::straight, {{-.6f, -1}, {-.6f, 1}}},
       {Line::curved, {{-.6f, -1}, {.7f, -1.1f}, {.7f, 0}, {-.6f, -.05f}}},
       {Line::curved, {{-.6f, -.05f}, {.85f, -.1f}, {.85f, 1.1f}, {-.6f, 1}}}},  // B
      {{Line::curved, {{.65f, -.65f}, {.3f, -1.15f}, {-.75f, -1.1f}, {-.8f, 0}, {-.75f, 1.1f}, {.3f, 1.15f}, {.65f, .65f}}}},  // C
      {{Line::straight, {{-.6f, -1}, {-.6f, 1}}},
       {Line::curved, {{-.6f, -1}, {.6f, -1.1f}, {.85f, 0}, {.6f, 1.1f}, {-.6f, 1}}}},  // D
      {{Line::straight, {{.6f, -1}, {-.6f, -1}, {-.6f, 1}, {.6f, 1}}},
       {Line::straight, {{-.6f, 0}, {.4f, 0}}}},  // E
      {{Line::straight, {{.6f, -1}, {-.6f, -1}, {-.6f, 1}}},
       {Line::straight, {{-.6f, 0}, {.4f, 0}}}},  // F
      {{Line::curved, {{.65f, -.65f}, {.3f, -1.15f}, {-.75f, -1.1f}, {-.8f, 0}, {-.75f, 1.1f}, {.3f, 1.15f}, {.65f, .6f}, {.65f, .1f}}},
       {Line::straight, {{.15f, .1f}, {.7f, .1f}}}},  // G
      {{Line::straight, {{-.6f, -1}, {-.6f, 1}}},
       {Line::straight, {{.6f, -1}, {.6f, 1}}},
       {Line::straight, {{-.6f, 0}, {.6f, 0}}}},  // H
      {{Line::straight, {{0, -1}, {0, 1}}},
       {Line::straight, {{-.4f, -1}, {.4f, -1}}},
       {Line::straight, {{-.4f, 1}, {.4f, 1}}}},  // I
      {{Line::curved, {{.4f, -1}, {.4f, .4f}, {.35f, 1.1f}, {-.4f, 1.1f}, {-.65f, .5f}}},
       {Line::straight, {{0, -1}, {.7f, -1}}}},  // J
      {{Line::straight, {{-.6f, -1}, {-.6f, 1}}},
       {Line::straight, {{.6f, -1}, {-.6f, .1f}}},
       {Line::straight, {{-.2f, -.2f}, {.65f, 1}}}},  // K
      {{Line::straight, {{-.5f, -1}, {-.5f, 1}, {.6f, 1}}}},  // L
      {{Line::straight, {{-.75f, 1}, {-.65f, -1}, {0, .4f}, {.65f, -1}, {.75f, 1}}}},  // M
      {{Line::straight, {{-.6f, 1}, {-.6f, -1}, {.6f, 1}, {.6f, -1}}}},  // N
      {{Line::curved, {{0, -1}, {-.75f, -1}, {-.8f, 0}, {-.75f, 1}, {0, 1}, {.75f, 1}, {.8f, 0}, {.75f, -1}, {0, -1}}}},  // O
      {{Line::straight, {{-.6f, 1}, {-.6f, -1}}},
       {Line::curved, {{-.6f, -1}, {.8f, -1.1f}, {.8f, .1f}, {-.6f, .05f}}}},  // P
      {{Line::curved, {{0, -1}, {-.75f, -1}, {-.8f, 0}, {-.75f, 1}, {0, 1}, {.75f, 1}, {.8f, 0}, {.75f, -1}, {0, -1}}},
       {Line::straight, {{.15f, .45f}, {.75f, 1.05f}}}},  // Q
      {{Line::straight, {{-.6f, 1}, {-.6f, -1}}},
       {Line::curved, {{-.6f, -1}, {.8f, -1.1f}, {.8f, .1f}, {-.6f, .05f}}},
       {Line::straight, {{-.1f, .05f}, {.65f, 1}}}},  // R
      {{Line::curved, {{.6f, -.7f}, {.4f, -1.15f}, {-.65f, -1.15f}, {-.75f, -.2f}, {.7f, .1f}, {.75f, 1.1f}, {-.5f, 1.15f}, {-.65f, .7f}}}},  // S
      {{Line::straight, {{-.7f, -1}, {.7f, -1}}},
       {Line::straight, {{0, -1}, {0, 1}}}},  // T
      {{Line::curved, {{-.6f, -1}, {-.6f, .4f}, {-.55f, 1.1f}, {.55f, 1.1f}, {.6f, .4f}, {.6f, -1}}}},  // U
      {{Line::straight, {{-.7f, -1}, {0, 1}, {.7f, -1}}}},  // V
      {{Line::straight, {{-.8f, -1}, {-.4f, 1}, {0, -.3f}, {.4f, 1}, {.8f, -1}}}},  // W
      {{Line::straight, {{-.65f, -1}, {.65f, 1}}},
       {Line::straight, {{.65f, -1}, {-.65f, 1}}}},  // X
      {{Line::straight, {{-.65f, -1}, {0, 0}, {.65f, -1}}},
       {Line::straight, {{0, 0}, {0, 1}}}},  // Y
      {{Line::straight, {{-.65f, -1}, {.65f, -1}, {-.65f, 1}, {.65f, 1}}}},  // Z
  }};
  return strokes;
}
// clang-format on

}  // namespace telltale::data
