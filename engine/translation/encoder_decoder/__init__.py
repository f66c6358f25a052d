"""Encoder-decoder models in CTranslate2: conversion, language tokens, translation."""
