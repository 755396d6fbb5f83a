(module
  (memory (export "memory") 1)

  (func $sum (param $lanes v128) (result f32)
    (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $lanes)) (f32x4.extract_lane 1 (local.get $lanes)))
      (f32.add (f32x4.extract_lane 2 (local.get $lanes)) (f32x4.extract_lane 3 (local.get $lanes)))))

  ;; Of the float32 numbers from byte $start to before byte $end the one farthest from zero; NaN where one is not finite.
  (func $extreme (param $start i32) (param $end i32) (result f32)
    (local $one v128) (local $least v128) (local $most v128) (local $check v128) (local $low f32) (local $high f32)
    (loop $next
      (local.set $one (v128.load (local.get $start)))
      (local.set $least (f32x4.pmin (local.get $least) (local.get $one)))
      (local.set $most (f32x4.pmax (local.get $most) (local.get $one)))
      (local.set $check (f32x4.add (local.get $check) (f32x4.sub (local.get $one) (local.get $one))))
      (local.set $start (i32.add (local.get $start) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $start) (local.get $end))))
    (local.set $low
      (f32.min
        (f32.min (f32x4.extract_lane 0 (local.get $least)) (f32x4.extract_lane 1 (local.get $least)))
        (f32.min (f32x4.extract_lane 2 (local.get $least)) (f32x4.extract_lane 3 (local.get $least)))))
    (local.set $high
      (f32.max
        (f32.max (f32x4.extract_lane 0 (local.get $most)) (f32x4.extract_lane 1 (local.get $most)))
        (f32.max (f32x4.extract_lane 2 (local.get $most)) (f32x4.extract_lane 3 (local.get $most)))))
    (f32.add (call $sum (local.get $check))
      (select (local.get $high) (local.get $low) (f32.ge (local.get $high) (f32.neg (local.get $low))))))

  ;; The scale with the least squared error. Candidates put the number farthest from zero at code -($middle + step), for each
  ;; float32 step from byte $coarse to before $fine, then, around the best of these, to before $last; of codes so rounded the scale is that
  ;; which fits them best: it takes (sum of number * code)^2 / (sum of code^2) out of the sum of the numbers' squares.
  (func $scale
    (param $start i32) (param $end i32) (param $middle f32) (param $coarse i32) (param $fine i32) (param $last i32) (result f32)
    (local $at i32) (local $extreme f32) (local $scale f32) (local $best f32) (local $most f32) (local $centre f32) (local $step f32)
    (local $products f32) (local $squares f32)
    (local $inverse v128) (local $bottom v128) (local $top v128) (local $rounder v128)
    (local $one v128) (local $code v128) (local $two v128) (local $other v128) (local $product v128) (local $square v128)
    (local.set $extreme (call $extreme (local.get $start) (local.get $end)))
    (local.set $scale (f32.div (f32.neg (local.get $extreme)) (local.get $middle)))
    ;; The inverse of what is less than this is infinite.
    (if (f32.lt (f32.abs (local.get $extreme)) (f32.const 0x1p-120)) (then (return (f32.const 0))))
    (local.set $rounder (f32x4.splat (f32.const 12582912)))
    (local.set $bottom (f32x4.splat (f32.neg (local.get $middle))))
    (local.set $top (f32x4.splat (f32.sub (local.get $middle) (f32.const 1))))
    (block $done
      (loop $candidate
        (br_if $done (i32.ge_u (local.get $coarse) (local.get $last)))
        (if (i32.eq (local.get $coarse) (local.get $fine)) (then (local.set $centre (local.get $best))))
        (local.set $step (f32.add (local.get $centre) (f32.load (local.get $coarse))))
        (local.set $inverse
          (f32x4.splat (f32.neg (f32.div (f32.add (local.get $middle) (local.get $step)) (local.get $extreme)))))
        (local.set $product (v128.const i32x4 0 0 0 0))
        (local.set $square (v128.const i32x4 0 0 0 0))
        (local.set $at (local.get $start))
        (loop $next
          (local.set $one (v128.load offset=0 (local.get $at)))
          (local.set $two (v128.load offset=16 (local.get $at)))
          (local.set $code
            (f32x4.sub
              (f32x4.add
                (f32x4.pmax (f32x4.pmin (f32x4.mul (local.get $one) (local.get $inverse)) (local.get $top)) (local.get $bottom))
                (local.get $rounder))
              (local.get $rounder)))
          (local.set $other
            (f32x4.sub
              (f32x4.add
                (f32x4.pmax (f32x4.pmin (f32x4.mul (local.get $two) (local.get $inverse)) (local.get $top)) (local.get $bottom))
                (local.get $rounder))
              (local.get $rounder)))
          (local.set $product
            (f32x4.add (local.get $product)
              (f32x4.add (f32x4.mul (local.get $one) (local.get $code)) (f32x4.mul (local.get $two) (local.get $other)))))
          (local.set $square
            (f32x4.add (local.get $square)
              (f32x4.add (f32x4.mul (local.get $code) (local.get $code)) (f32x4.mul (local.get $other) (local.get $other)))))
          (local.set $at (i32.add (local.get $at) (i32.const 32)))
          (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
        (local.set $products (call $sum (local.get $product)))
        (local.set $squares (call $sum (local.get $square)))
        (if
          (f32.gt
            (f32.mul (local.get $products) (local.get $products))
            (f32.mul (local.get $most) (local.get $squares)))
          (then
            (local.set $scale (f32.div (local.get $products) (local.get $squares)))
            (local.set $most (f32.mul (local.get $products) (local.get $scale)))
            (local.set $best (local.get $step))))
        (local.set $coarse (i32.add (local.get $coarse) (i32.const 4)))
        (br $candidate)))
    (local.get $scale))

  ;; Four numbers as whole ones from $bottom to $top.
  (func $codes (param $at i32) (param $inverse v128) (param $bottom v128) (param $top v128) (result v128)
    (i32x4.sub
      (f32x4.add
        (f32x4.pmax
          (f32x4.pmin (f32x4.mul (v128.load (local.get $at)) (local.get $inverse)) (local.get $top))
          (local.get $bottom))
        (f32x4.splat (f32.const 12582912)))
      (i32x4.splat (i32.const 0x4b400000))))

  ;; Runs of $length bytes of float32 numbers, a multiple of 64, from byte $start on: a scale for each from byte $scales on, the codes
  ;; from byte $target on; $packed: two codes around 8 in a byte, the first in the low bits; else one, its bits turned by $flip.
  (func (export "quantize")
    (param $start i32) (param $end i32) (param $length i32) (param $middle f32) (param $coarse i32) (param $fine i32) (param $last i32)
    (param $scales i32) (param $target i32) (param $packed i32) (param $flip i32)
    (local $stop i32) (local $scale f32) (local $inverse v128) (local $bottom v128) (local $top v128) (local $turned v128) (local $bytes v128)
    (local.set $bottom (f32x4.splat (f32.neg (local.get $middle))))
    (local.set $top (f32x4.splat (f32.sub (local.get $middle) (f32.const 1))))
    (local.set $turned (i8x16.splat (local.get $flip)))
    (block $done
      (loop $run
        (br_if $done (i32.ge_u (local.get $start) (local.get $end)))
        (local.set $stop (i32.add (local.get $start) (local.get $length)))
        (local.set $scale
          (call $scale (local.get $start) (local.get $stop) (local.get $middle) (local.get $coarse) (local.get $fine) (local.get $last)))
        (f32.store (local.get $scales) (local.get $scale))
        (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
        (local.set $inverse
          (f32x4.splat
            (select (f32.const 0) (f32.div (f32.const 1) (local.get $scale)) (f32.eq (local.get $scale) (f32.const 0)))))
        (loop $next
          (local.set $bytes
            (i8x16.narrow_i16x8_s
              (i16x8.narrow_i32x4_s
                (call $codes (local.get $start) (local.get $inverse) (local.get $bottom) (local.get $top))
                (call $codes (i32.add (local.get $start) (i32.const 16)) (local.get $inverse) (local.get $bottom) (local.get $top)))
              (i16x8.narrow_i32x4_s
                (call $codes (i32.add (local.get $start) (i32.const 32)) (local.get $inverse) (local.get $bottom) (local.get $top))
                (call $codes (i32.add (local.get $start) (i32.const 48)) (local.get $inverse) (local.get $bottom) (local.get $top)))))
          (if (local.get $packed)
            (then
              (local.set $bytes (i8x16.add (local.get $bytes) (i8x16.splat (i32.const 8))))
              (local.set $bytes
                (v128.and
                  (v128.or (local.get $bytes) (i16x8.shr_u (local.get $bytes) (i32.const 4)))
                  (i16x8.splat (i32.const 0xff))))
              (v128.store64_lane 0 (local.get $target) (i8x16.narrow_i16x8_u (local.get $bytes) (local.get $bytes)))
              (local.set $target (i32.add (local.get $target) (i32.const 8))))
            (else
              (v128.store (local.get $target) (v128.xor (local.get $bytes) (local.get $turned)))
              (local.set $target (i32.add (local.get $target) (i32.const 16)))))
          (local.set $start (i32.add (local.get $start) (i32.const 64)))
          (br_if $next (i32.lt_u (local.get $start) (local.get $stop))))
        (br $run))))

  ;; Four numbers as steps: of the 15 thresholds between steps, float32 numbers from byte $table on, those that are exceeded each
  ;; add what lies beside it, 64 bytes behind, to the $lowest step.
  (func $step (param $value v128) (param $table i32) (param $lowest v128) (result v128)
    (local $end i32)
    (local.set $end (i32.add (local.get $table) (i32.const 60)))
    (loop $next
      (local.set $lowest
        (f32x4.add (local.get $lowest)
          (v128.and
            (f32x4.gt (local.get $value) (v128.load32_splat offset=0 (local.get $table)))
            (v128.load32_splat offset=64 (local.get $table)))))
      (local.set $table (i32.add (local.get $table) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $table) (local.get $end))))
    (local.get $lowest))

  ;; How many of the thresholds each of four numbers exceeds.
  (func $place (param $value v128) (param $table i32) (result v128)
    (local $end i32) (local $places v128)
    (local.set $end (i32.add (local.get $table) (i32.const 60)))
    (loop $next
      (local.set $places
        (i32x4.sub (local.get $places) (f32x4.gt (local.get $value) (v128.load32_splat (local.get $table)))))
      (local.set $table (i32.add (local.get $table) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $table) (local.get $end))))
    (local.get $places))

  ;; As "quantize", to the nearest of 16 steps from -1 to 1; candidates put the number farthest from zero at 1 / share, for each of the
  ;; shares from byte $coarse to before $last. The first of two codes lies in the high bits.
  (func (export "quantizeToSteps")
    (param $start i32) (param $end i32) (param $length i32) (param $table i32) (param $coarse i32) (param $last i32)
    (param $scales i32) (param $target i32)
    (local $stop i32) (local $at i32) (local $candidate i32) (local $extreme f32) (local $scale f32) (local $most f32)
    (local $products f32) (local $squares f32) (local $inverse v128) (local $lowest v128) (local $one v128) (local $step v128)
    (local $product v128) (local $square v128) (local $bytes v128)
    (local.set $lowest (f32x4.splat (f32.const -1)))
    (block $done
      (loop $run
        (br_if $done (i32.ge_u (local.get $start) (local.get $end)))
        (local.set $stop (i32.add (local.get $start) (local.get $length)))
        (local.set $extreme (f32.abs (call $extreme (local.get $start) (local.get $stop))))
        (if (f32.lt (local.get $extreme) (f32.const 0x1p-120)) (then (local.set $extreme (f32.const 0))))
        (local.set $scale (local.get $extreme))
        (local.set $most (f32.const 0))
        (local.set $candidate (select (local.get $last) (local.get $coarse) (f32.eq (local.get $extreme) (f32.const 0))))
        (block $found
          (loop $try
            (br_if $found (i32.ge_u (local.get $candidate) (local.get $last)))
            (local.set $inverse
              (f32x4.splat (f32.div (f32.const 1) (f32.mul (local.get $extreme) (f32.load (local.get $candidate))))))
            (local.set $product (v128.const i32x4 0 0 0 0))
            (local.set $square (v128.const i32x4 0 0 0 0))
            (local.set $at (local.get $start))
            (loop $next
              (local.set $one (v128.load (local.get $at)))
              (local.set $step (call $step (f32x4.mul (local.get $one) (local.get $inverse)) (local.get $table) (local.get $lowest)))
              (local.set $product (f32x4.add (local.get $product) (f32x4.mul (local.get $one) (local.get $step))))
              (local.set $square (f32x4.add (local.get $square) (f32x4.mul (local.get $step) (local.get $step))))
              (local.set $at (i32.add (local.get $at) (i32.const 16)))
              (br_if $next (i32.lt_u (local.get $at) (local.get $stop))))
            (local.set $products (call $sum (local.get $product)))
            (local.set $squares (call $sum (local.get $square)))
            (if
              (f32.gt
                (f32.mul (local.get $products) (local.get $products))
                (f32.mul (local.get $most) (local.get $squares)))
              (then
                (local.set $scale (f32.div (local.get $products) (local.get $squares)))
                (local.set $most (f32.mul (local.get $products) (local.get $scale)))))
            (local.set $candidate (i32.add (local.get $candidate) (i32.const 4)))
            (br $try)))
        (f32.store (local.get $scales) (local.get $scale))
        (local.set $scales (i32.add (local.get $scales) (i32.const 4)))
        (local.set $inverse
          (f32x4.splat
            (select (f32.const 0) (f32.div (f32.const 1) (local.get $scale)) (f32.eq (local.get $scale) (f32.const 0)))))
        (loop $pack
          (local.set $bytes
            (i8x16.narrow_i16x8_s
              (i16x8.narrow_i32x4_s
                (call $place (f32x4.mul (v128.load offset=0 (local.get $start)) (local.get $inverse)) (local.get $table))
                (call $place (f32x4.mul (v128.load offset=16 (local.get $start)) (local.get $inverse)) (local.get $table)))
              (i16x8.narrow_i32x4_s
                (call $place (f32x4.mul (v128.load offset=32 (local.get $start)) (local.get $inverse)) (local.get $table))
                (call $place (f32x4.mul (v128.load offset=48 (local.get $start)) (local.get $inverse)) (local.get $table)))))
          (local.set $bytes
            (v128.and
              (v128.or (i16x8.shl (local.get $bytes) (i32.const 4)) (i16x8.shr_u (local.get $bytes) (i32.const 8)))
              (i16x8.splat (i32.const 0xff))))
          (v128.store64_lane 0 (local.get $target) (i8x16.narrow_i16x8_u (local.get $bytes) (local.get $bytes)))
          (local.set $target (i32.add (local.get $target) (i32.const 8)))
          (local.set $start (i32.add (local.get $start) (i32.const 64)))
          (br_if $pack (i32.lt_u (local.get $start) (local.get $stop))))
        (br $run)))))
